package control

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/devports/devports/launcher"
	"github.com/devports/devports/launcher/terminal"
)

// Remote is a run of another process that a live view shows and controls, as it
// would with the Controller of this process. It is safe for concurrent use.
type Remote struct {
	client Client
	ended  chan struct{} // closed when no more status comes
	cancel context.CancelFunc

	mu      sync.Mutex // guards the fields below
	info    Info
	changed []chan struct{}
}

// Open connects to a run, and returns once it has sent its status. It returns the
// errors of Status.
func (c Client) Open(ctx context.Context) (*Remote, error) {
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &Remote{client: c, ended: make(chan struct{}), cancel: cancel}
	first := make(chan struct{})
	opened := sync.OnceFunc(func() { close(first) })
	var err error
	go func() {
		defer close(r.ended)
		err = c.Watch(watching, func(info Info) error {
			r.update(info)
			opened()
			return nil
		})
	}()
	select {
	case <-first:
		return r, nil
	case <-r.ended:
		cancel()
		if err == nil {
			err = launcher.ErrEnded
		}
		return nil, err
	case <-ctx.Done():
		r.Close()
		return nil, ctx.Err()
	}
}

func (r *Remote) update(info Info) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.info = info
	for _, one := range r.changed {
		select {
		case one <- struct{}{}:
		default:
		}
	}
}

// Close disconnects from the run.
func (r *Remote) Close() {
	r.cancel()
	<-r.ended
}

// Ended returns a channel that is closed when the run has ended.
func (r *Remote) Ended() <-chan struct{} { return r.ended }

// Info returns the latest status of the run.
func (r *Remote) Info() Info {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.info
}

// Watch is like [launcher.Controller.Watch], for receivers that never stop.
func (r *Remote) Watch() (changed <-chan struct{}, stop func()) {
	one := make(chan struct{}, 1)
	one <- struct{}{}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.changed = append(r.changed, one)
	return one, func() {}
}

// Status returns the latest status of the services, without asking the run.
func (r *Remote) Status(context.Context) ([]launcher.Status, error) { return r.Info().Services, nil }

// Inspect returns the details of a service.
func (r *Remote) Inspect(ctx context.Context, service string) (launcher.Details, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return r.client.Inspect(ctx, service)
}

// requestTimeout is how long a run may take to respond, after edits were applied: a
// live view waits for it.
const requestTimeout = identifyTimeout + syncTimeout + time.Second

// Start starts services that are not running.
func (r *Remote) Start(ctx context.Context, services ...string) error {
	return r.command(ctx, r.client.Start, services)
}

// Stop stops services.
func (r *Remote) Stop(ctx context.Context, services ...string) error {
	return r.command(ctx, r.client.Stop, services)
}

// Restart restarts services.
func (r *Remote) Restart(ctx context.Context, services ...string) error {
	return r.command(ctx, r.client.Restart, services)
}

func (r *Remote) command(ctx context.Context, send func(context.Context, ...string) (Info, error), services []string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	_, err := send(ctx, services...)
	return err
}

// Attach connects the caller to the terminal of a service, like
// [launcher.Controller.Attach].
func (r *Remote) Attach(ctx context.Context, service string, o launcher.AttachOptions) (launcher.Attachment, error) {
	query := url.Values{"service": {service}, "head": {o.Head}}
	if o.Size != (terminal.Size{}) {
		query.Set("rows", strconv.Itoa(o.Size.Rows))
		query.Set("columns", strconv.Itoa(o.Size.Columns))
	}
	connected, cancel := context.WithCancel(context.WithoutCancel(ctx))
	late := time.AfterFunc(requestTimeout, cancel)
	request, err := http.NewRequestWithContext(connected, http.MethodPost, requestURL("attach", query), nil)
	if err != nil {
		cancel()
		return nil, err
	}
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", attachProtocol)
	response, err := r.client.sendRequest(request)
	if err != nil {
		cancel()
		return nil, err
	}
	late.Stop()
	conn, ok := response.Body.(io.ReadWriteCloser)
	if response.StatusCode != http.StatusSwitchingProtocols || !ok {
		defer cancel()
		defer response.Body.Close()
		return nil, responseError(response, []string{service})
	}
	a := &remoteAttachment{
		conn: conn, cancel: cancel, restarts: make(chan struct{}, 1), done: make(chan struct{}),
		queue: make(chan struct{}, 1),
	}
	a.goroutines.Go(func() { a.read(o.Out) })
	a.goroutines.Go(a.write)
	return a, nil
}

// remoteAttachment is an Attachment to a service of another process.
type remoteAttachment struct {
	conn       io.ReadWriteCloser
	cancel     context.CancelFunc
	restarts   chan struct{}
	done       chan struct{} // closed when the connection has ended
	queue      chan struct{} // receives a value when something is to be sent
	goroutines sync.WaitGroup

	mu      sync.Mutex // guards the fields below
	pending typed
}

// read writes what the service prints, until the connection ends.
func (a *remoteAttachment) read(out io.Writer) {
	defer close(a.done)
	for decoder := json.NewDecoder(a.conn); ; {
		var p printed
		if decoder.Decode(&p) != nil {
			return
		}
		if len(p.Output) > 0 {
			_, _ = out.Write(p.Output) // a terminal that is gone ends the caller
		}
		if p.Restarting {
			select {
			case a.restarts <- struct{}{}:
			default:
			}
		}
	}
}

// write sends what is pending, until the connection ends.
func (a *remoteAttachment) write() {
	for encoder := json.NewEncoder(a.conn); ; {
		select {
		case <-a.queue:
		case <-a.done:
			return
		}
		a.mu.Lock()
		message := a.pending
		a.pending = typed{}
		a.mu.Unlock()
		if encoder.Encode(message) != nil {
			return
		}
	}
}

// send changes what is pending.
func (a *remoteAttachment) send(change func(*typed)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(&a.pending)
	select {
	case a.queue <- struct{}{}:
	default:
	}
}

func (a *remoteAttachment) Write(keys []byte) (n int, err error) {
	a.send(func(t *typed) {
		if n = min(len(keys), maxTyped-len(t.Keys)); n < len(keys) {
			err = os.ErrDeadlineExceeded // the process reads nothing
		}
		t.Keys = append(t.Keys, keys[:n]...)
	})
	return n, err
}

func (a *remoteAttachment) Resize(size terminal.Size) {
	a.send(func(t *typed) { t.Rows, t.Columns = size.Rows, size.Columns })
}

func (a *remoteAttachment) Restarts() <-chan struct{} { return a.restarts }

func (a *remoteAttachment) Done() <-chan struct{} { return a.done }

func (a *remoteAttachment) Close() {
	a.conn.Close()
	a.cancel()
	a.goroutines.Wait()
}
