package control

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/output"
)

// Event is an event of a run, as its user reads it.
type Event struct {
	Time       time.Time `json:"time"`
	Event      string    `json:"event"` // from launcher.KindOf
	Service    string    `json:"service,omitempty"`
	PID        int       `json:"pid,omitempty"`
	Port       int       `json:"port,omitempty"`
	Address    string    `json:"address,omitempty"`     // of the port, for its user
	ExitStatus int       `json:"exit_status,omitempty"` // of the process, unless 0
	Text       string    `json:"text"`                  // the message
}

// Journal keeps the latest events of a run. The zero value is empty. It is safe
// for concurrent use.
type Journal struct{ tail output.Tail }

// Add appends an event with its message.
func (j *Journal) Add(e launcher.Event, text string) {
	record := Event{Time: time.Now(), Event: launcher.KindOf(e), Service: e.Subject(), Text: text}
	switch e := e.(type) {
	case launcher.Started:
		record.PID, record.Port = e.PID, e.Port
	case launcher.NotStarted:
		record.ExitStatus = e.Exit.Status
	case launcher.BuildFailed:
		record.ExitStatus = e.Exit.Status
	case launcher.Ready:
		record.Port, record.Address = e.Port, e.Address
	case launcher.Listening:
		record.Port, record.Address = e.Port, e.Address
	case launcher.WrongPort:
		record.Port = e.Port
	case launcher.NoListener:
		record.Port = e.Port
	case launcher.WrongProtocol:
		record.Port = e.Port
	case launcher.Ended:
		record.ExitStatus = e.Exit.Status
	case launcher.Killing:
		record.PID = e.PID
	case launcher.Unkillable:
		record.PID = e.PID
	}
	line, err := json.Marshal(record)
	if err == nil {
		j.tail.Add(record.Service, append(line, '\n'))
	}
}

// events streams events as lines of JSON until the run ends or the client
// disconnects.
func (s server) events(w http.ResponseWriter, r *http.Request) {
	s.stream(w, r, &s.run.Journal.tail, func(l output.Line) any { return json.RawMessage(l.Text) })
}
