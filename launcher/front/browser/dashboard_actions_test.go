package browser

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
)

// pids is a script that returns the pids of a checkout's services, as the page
// knows them.
func pids(checkout string) string {
	return fmt.Sprintf(`state.checkouts.find(c => c.id == %q).services.map(s => s.pid)`, checkout)
}

// states is a script that is true once all services of a checkout have a state.
func states(checkout, state string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("[data-key='%s'] li .state")].every(n => n.textContent == %q)`, checkout, state)
}

// button is a script that is true if a button can be clicked.
func button(id string) string {
	return fmt.Sprintf(`!document.querySelector("#%s").disabled`, id)
}

// The buttons act on what is shown, once, and say why they cannot.
func TestDashboardActions(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := startShop(w)
	defer w.devports(dir, "down", "--all")
	d := w.dashboard(b)
	d.click(`[data-key=shop] [data-key=web] .pick`)
	shown := `Number(/pid (\d+)/.exec(document.querySelector("#facts").textContent)?.[1])`
	d.await(shown + " > 0 && " + button("restart"))
	login := evaluate[[]int](b, pids("shop-login"))
	api := evaluate[[]int](b, pids("shop"))[1]

	t.Run("restart", func(t *testing.T) {
		before := evaluate[int](b, shown)
		evaluate[bool](b, fmt.Sprintf(`(() => {
			window.took = 0;
			document.querySelector("#restart").addEventListener("click", () => {
				const began = performance.now();
				const look = () => {
					const pid = %s;
					if (pid && pid != %d) took = performance.now() - began;
					else requestAnimationFrame(look);
				};
				look();
			}, {once: true, capture: true});
			return true;
		})()`, shown, before))
		d.click("#restart")
		d.await("took > 0")
		took := evaluate[float64](b, "took")
		t.Logf("the new pid is shown after %.0f ms", took)
		if took > 1000 {
			t.Errorf("the new pid is shown after %.0f ms", took)
		}
		d.await(states("shop", "ready") + " && " + button("restart"))
	})

	t.Run("twice", func(t *testing.T) {
		sent := b.sent("POST /api/restart")
		at := evaluate[[]float64](b, `(r => [r.x + r.width / 2, r.y + r.height / 2])(document.querySelector("#restart").getBoundingClientRect())`)
		for n := range int64(2) { // a double click, as slow as a hand
			time.Sleep(time.Duration(n) * 120 * time.Millisecond)
			for _, event := range []input.DispatchMouseEventType{input.DispatchMouseEventTypeMousePressed, input.DispatchMouseEventTypeMouseReleased} {
				call(b, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: event, X: at[0], Y: at[1], Button: input.MouseButtonLeft, ClickCount: n + 1})
			}
		}
		d.await(button("restart"))
		if sent = b.sent("POST /api/restart") - sent; sent != 1 {
			t.Errorf("a double click restarts %d times", sent)
		}
		if got := evaluate[string](b, "document.activeElement.id"); got != "restart" {
			t.Errorf("the focus is on %q", got)
		}
		sent = b.sent("POST /api/restart")
		for i := range 5 { // a key that is held
			call(b, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: "r", Text: "r", AutoRepeat: new(i > 0)})
			time.Sleep(40 * time.Millisecond)
			d.await(button("restart"))
		}
		if sent = b.sent("POST /api/restart") - sent; sent != 1 {
			t.Errorf("a key that is held restarts %d times", sent)
		}
	})

	t.Run("stop and start", func(t *testing.T) {
		d.await(states("shop", "ready") + " && " + button("stop"))
		d.click("#stop")
		d.await(`document.querySelector("#facts").textContent.startsWith("stopped") && document.querySelector("#stop").disabled && ` + button("start"))
		d.click("#start")
		d.await(states("shop", "ready") + ` && document.querySelector("#start").disabled`)
		if got := evaluate[[]int](b, pids("shop"))[1]; got != api {
			t.Errorf("api was restarted, too: %d, %d", got, api)
		}
	})

	t.Run("checkout", func(t *testing.T) {
		d.click(`[data-key=shop] .pick`)
		d.await(`document.querySelector("#pane-title").textContent == "shop"`)
		before := evaluate[[]int](b, pids("shop"))
		d.click("#restart")
		d.await(fmt.Sprintf(`%s.every((pid, i) => pid && pid != [%d, %d][i])`, pids("shop"), before[0], before[1]))
		d.await(states("shop", "ready") + " && " + button("stop"))
		d.click("#stop")
		d.await(states("shop", "stopped") + " && " + button("start"))
		d.click("#start")
		d.await(states("shop", "ready"))
		if got := evaluate[[]int](b, pids("shop-login")); fmt.Sprint(got) != fmt.Sprint(login) {
			t.Errorf("services of the worktree were restarted: %v, %v", got, login)
		}
	})

	t.Run("point", func(t *testing.T) {
		port := freePort(t)
		d.click(`[data-key=shop] [data-key=web] .pick`)
		d.await(`!document.querySelector("#point").hidden`)
		d.click("#point-port")
		evaluate[bool](b, `document.querySelector("#point-port").select(), true`)
		d.write(port)
		d.click("#point button")
		d.await(fmt.Sprintf(`document.querySelector("#facts").textContent.includes("localhost:%s points here")`, port))
		if text := newTab(t, b.ctx).open("http://localhost:"+port+"/", "#app"); !strings.HasPrefix(text, "web ") {
			t.Errorf("localhost:%s responds %q", port, text)
		}
		d.click("#points button")
		d.await(`document.querySelector("#points").textContent == ""`)

		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		_, port, _ = net.SplitHostPort(l.Addr().String())
		d.click("#point-port")
		evaluate[bool](b, `document.querySelector("#point-port").select(), true`)
		d.write(port)
		d.click("#point button")
		d.await(fmt.Sprintf(`document.querySelector("#pane").innerText.includes(%q) && /in use|listens|taken/.test(document.querySelector("#failure").innerText + (document.querySelector("#points button")?.title ?? ""))`, port))
		b.t.Logf("a port in use: %s", evaluate[string](b, `document.querySelector("#failure").innerText + "|" + (document.querySelector("#points button")?.title ?? "")`))
	})

	t.Run("ended", func(t *testing.T) {
		d.click(`[data-key=shop] [data-key=web] .pick`)
		d.await(button("restart"))
		// The page does not know yet that the run has ended.
		evaluate[bool](b, `receiveState = () => {}, true`)
		w.devports(dir, "down")
		d.click("#restart")
		d.await(`/^shop is (not running|stopping).*devports up/.test(document.querySelector("#failure").innerText)`)
		if near := evaluate[float64](b, `Math.abs(document.querySelector("#failure").getBoundingClientRect().top - document.querySelector("#restart").getBoundingClientRect().bottom)`); near > 60 {
			t.Errorf("the error is %.0f pixels from the button", near)
		}
	})
	b.noProblems()
}

// frontPID returns the pid of the front.
func (w *world) frontPID() int {
	w.t.Helper()
	var note struct{ PID int }
	text, err := os.ReadFile(filepath.Join(w.home, "run", "front", "lock"))
	if err == nil {
		err = json.Unmarshal(text[max(0, strings.Index(string(text), "{")):], &note)
	}
	if err != nil || note.PID <= 1 {
		w.t.Fatalf("no front: %v %s", err, text)
	}
	return note.PID
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// The page follows runs and the front when these die and come back.
func TestDashboardEnds(t *testing.T) {
	b, w := newBrowser(t), newWorld(t)
	dir := w.project("shop", map[string]string{"Portfile": shop})
	w.devports(dir, "up", "-d")
	defer w.devports(dir, "down")
	d := w.dashboard(b)
	d.view("checkout=shop&service=web")
	d.await(states("shop", "ready"))

	// The run.
	evaluate[bool](b, `window.same = true`)
	run := evaluate[int](b, `state.checkouts[0].pid`)
	kill(t, run)
	began := time.Now()
	d.await(`document.querySelector(".count").textContent == "ended" && document.querySelector("#facts").textContent.startsWith("ended")`)
	took := time.Since(began)
	t.Logf("a run that is killed is shown as ended after %v", took.Round(time.Millisecond))
	if took > 10*time.Second {
		t.Errorf("a run that is killed is shown as ended after %v", took)
	}
	d.await(`document.querySelector("#why").innerText.includes("killed")`)
	w.devports(dir, "up", "-d")
	d.await(fmt.Sprintf(`state.checkouts[0].pid != %d && `, run) + states("shop", "ready"))
	w.print(dir, "web", "of the next run\n")
	d.await(shows("of the next run"))

	// A run that is suspended while the page is open.
	supervisor := evaluate[int](b, `state.checkouts[0].pid`)
	defer func() { _ = syscall.Kill(supervisor, syscall.SIGCONT) }()
	if err := syscall.Kill(supervisor, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	d.await(fmt.Sprintf(`["#why", ".checkout .warning"].every(s => document.querySelector(s).innerText.includes("shop does not respond: pid %d is suspended"))`, supervisor))
	if err := syscall.Kill(supervisor, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	d.await(`document.querySelector("#why").hidden && ` + states("shop", "ready"))

	// The front.
	evaluate[bool](b, watchLines)
	done := make(chan string, 1)
	go func() { done <- w.ask(dir, "web", "/pace?rate=200&seconds=4", "") }()
	d.await("numbers.length > 100")
	front := w.frontPID()
	evaluate[bool](b, `(() => {
		window.said = [];
		const connection = document.querySelector("#connection");
		new MutationObserver(() => said.push(connection.textContent)).observe(connection, {childList: true, characterData: true, subtree: true});
		return true;
	})()`)
	kill(t, front)
	began = time.Now()
	d.await(`said.includes("reconnecting")`)
	d.live()
	t.Logf("the page is connected to the next front after %v", time.Since(began).Round(time.Millisecond))
	printed := <-done
	w.print(dir, "web", "the last\n")
	d.await(shows("the last"))
	if next := w.frontPID(); next == front {
		t.Error("the front was not killed")
	}
	numbers := evaluate[[]int](b, "numbers")
	for i, n := range numbers {
		if n != i {
			t.Fatalf("line %d is in place of line %d", n, i)
		}
	}
	if fmt.Sprint(len(numbers)) != printed {
		t.Errorf("%d of %s lines are on the page", len(numbers), printed)
	}
	if !evaluate[bool](b, "window.same") {
		t.Error("the page was loaded again")
	}
	b.noProblems()
}
