package front

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"net/netip"
	"reflect"
	"sync"
	"time"

	"github.com/devports/devports/allocator/holder"
	"github.com/devports/devports/launcher"
)

// Protocol is the version of the messages, and of what a front does with them.
const Protocol = 1

// Run identifies a run to the front.
type Run struct {
	ID        string `json:"id"`   // of the process
	Site      string `json:"site"` // the checkout's unique name, the label of its host
	Project   string `json:"project"`
	Worktree  string `json:"worktree,omitempty"`
	Directory string `json:"directory"`
	PID       int    `json:"pid"`
}

// Service is a service of a run as the front needs it.
type Service struct {
	Name       string         `json:"name"`
	Host       string         `json:"host,omitempty"` // its label; "": it has no named address
	Port       int            `json:"port,omitempty"`
	Address    string         `json:"address,omitempty"`
	HostHeader string         `json:"host_header,omitempty"`
	State      launcher.State `json:"state"`
	Detail     string         `json:"detail,omitempty"`
	Restarts   int            `json:"restarts,omitempty"`
	PID        int            `json:"pid,omitempty"`
	NamedPorts map[string]int `json:"named_ports,omitempty"` // those beside Port, for points

	Exit        string    `json:"exit,omitempty"`        // how its latest process ended
	LastStarted time.Time `json:"last_started,omitzero"` // when its latest process started
	RestartAt   time.Time `json:"restart_at,omitzero"`   // when it is started again
	WrongPorts  []int     `json:"wrong_ports,omitempty"` // where it listens instead of Port
}

func (s Service) equal(o Service) bool { return reflect.DeepEqual(s, o) }

// fromRun is a message of a run. One field is set.
type fromRun struct {
	Hello    *hello         `json:"hello,omitempty"`
	Services []Service      `json:"services,omitempty"` // replaces the earlier ones
	Response *queryResponse `json:"answer,omitempty"`
	Drain    *drain         `json:"drain,omitempty"`
	Yield    bool           `json:"yield,omitempty"` // make room for a front of a later protocol

	Points *pointsRequest `json:"points,omitempty"` // instead of hello: the client is not a run
}

type hello struct {
	Protocol int `json:"protocol"`
	Run
}

// fromFront is a message of a front. One field is set.
type fromFront struct {
	Welcome *welcome `json:"welcome,omitempty"` // the response to hello
	Refused string   `json:"refused,omitempty"` // instead of welcome
	Query   *query   `json:"question,omitempty"`
	Hint    *hint    `json:"hint,omitempty"`
	Drained int      `json:"drained,omitempty"` // the ID of a drain
	Yielded bool     `json:"yielded,omitempty"` // connect to another front

	Points *pointsResponse `json:"points,omitempty"`
	Note   string          `json:"note,omitempty"` // for the user
}

type welcome struct {
	Protocol int `json:"protocol"`
	Port     int `json:"port"`
	PID      int `json:"pid"`
}

// query asks whether sockets that listen on the port of a service belong to it.
// Without sockets, the run finds out which processes listen on the port. With
// Lines, it asks for the last lines of the service instead.
type query struct {
	ID      int      `json:"id"`
	Service string   `json:"service"`
	Port    int      `json:"port"`
	Sockets []socket `json:"sockets,omitempty"`
	Lines   int      `json:"lines,omitempty"`
}

// socket is a [holder.Socket].
type socket struct {
	Address netip.Addr `json:"address"`
	Inode   string     `json:"inode"`
	UID     string     `json:"uid"`
}

type queryResponse struct {
	ID         int    `json:"id"`
	Own        []bool `json:"own"`                  // of each socket; one value without sockets
	Unverified bool   `json:"unverified,omitempty"` // the user of the sockets is the only evidence

	Lines []string `json:"lines,omitempty"`
}

// drain asks to report when a service, which was announced as stopping, has no
// requests. The service is restarted then.
type drain struct {
	ID      int    `json:"id"` // not 0
	Service string `json:"service"`
}

// hint reports that a process of a service refused its first request by name. A
// service gets one.
type hint struct {
	Service string `json:"service"`
	Status  int    `json:"status"`
	URL     string `json:"url"`

	HostHeader string `json:"host_header,omitempty"` // what it got as Host, if not that of URL
}

func socketsOf(sockets []holder.Socket) (list []socket) {
	for _, s := range sockets {
		list = append(list, socket{s.Address, s.Inode, s.UID})
	}
	return list
}

// maxMessage limits a message. A run of a thousand services needs less.
const maxMessage = 4 << 20

// sendTimeout is how long the other side may take to read.
const sendTimeout = 5 * time.Second

// peer is one side of a connection. One goroutine may receive; any may send.
type peer struct {
	conn  net.Conn
	lines *bufio.Scanner
	mu    sync.Mutex // held while sending
}

func newPeer(conn net.Conn) *peer {
	p := &peer{conn: conn, lines: bufio.NewScanner(conn)}
	p.lines.Buffer(nil, maxMessage)
	return p
}

func (p *peer) send(message any) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.conn.SetWriteDeadline(time.Now().Add(sendTimeout))
	_, err = p.conn.Write(append(text, '\n'))
	return err
}

var errClosed = errors.New("the connection is closed")

func (p *peer) receive(into any) error {
	if !p.lines.Scan() {
		if err := p.lines.Err(); err != nil {
			return err
		}
		return errClosed
	}
	return json.Unmarshal(p.lines.Bytes(), into)
}
