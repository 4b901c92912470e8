package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/devports/devports/allocator/lockfile"
)

// serve is a service for the scripts: it serves its pid at /pid, its
// environment at /env/NAME, and when it began to listen at /since, on
// 127.0.0.1:$PORT, and prints a line when it listens.
func serve() {
	ignore := flag.Bool("ignore-term", false, "do not end on TERM and INT")
	flag.Parse()
	if *ignore {
		signal.Ignore(syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	}
	port := os.Getenv("PORT")
	http.HandleFunc("/pid", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, os.Getpid()) })
	http.HandleFunc("/env/{name}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintln(w, os.Getenv(r.PathValue("name")))
	})
	http.HandleFunc("/identity", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s/%s/%s", os.Getenv("DEVPORTS_PROJECT"), os.Getenv("DEVPORTS_WORKTREE"), os.Getenv("DEVPORTS_SERVICE"))
	})
	http.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		_, _ = w.Write(text)
	})
	var since time.Time
	http.HandleFunc("/since", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, since.UnixNano()) })
	fmt.Println("listening on", port) // before it is ready, so that scripts find the line then
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	since = time.Now()
	if err != nil {
		fatal(err)
	}
	fatal(http.Serve(l, nil))
}

// recite FILE WORD serves the values that it has read at its start: FILE, the
// variable SETTING and WORD. Each start is a line of the file "starts".
func recite() {
	code, _ := os.ReadFile(os.Args[1])
	starts, err := os.OpenFile("starts", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fatal(err)
	}
	fmt.Fprintln(starts, os.Getpid())
	starts.Close()
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(answered{strings.TrimSpace(string(code)), os.Getenv("SETTING"), os.Args[2], os.Getpid()})
	})
	fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), nil))
}

// answered is the response of the service.
type answered struct {
	Code, Setting, Word string
	PID                 int
}

// serveHTTPS serves empty responses on 127.0.0.1:$PORT, over HTTPS.
func serveHTTPS() {
	l, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		fatal(err)
	}
	server := httptest.Server{Listener: l, Config: &http.Server{Handler: http.NotFoundHandler()}}
	server.StartTLS()
	stay()
}

// hold ADDRESS listens there, and does nothing else.
func hold() {
	l, err := net.Listen("tcp", os.Args[1])
	if err != nil {
		fatal(err)
	}
	defer l.Close()
	fmt.Println("holding", l.Addr())
	stay()
}

// dockerProxy listens like Docker's proxy for a published port.
func dockerProxy() {
	port := flag.String("host-port", "", "")
	flag.String("container-ip", "", "")
	flag.Parse()
	os.Args = []string{"hold", "0.0.0.0:" + *port}
	hold()
}

// containerEngine SOCKET PORT [INSTANCE SERVICE] responds there like Docker's
// engine with a container shop-db-1 that publishes the port on 127.0.0.1, and has
// the labels of a service.
func containerEngine() {
	l, err := net.Listen("unix", os.Args[1])
	if err != nil {
		fatal(err)
	}
	labels := ""
	if len(os.Args) > 4 {
		labels = fmt.Sprintf(`"devports.instance":%q,"devports.service":%q`, os.Args[3], os.Args[4])
	}
	answer := `[{"Names":["/shop-db-1"],"Image":"postgres:16","State":"running","Labels":{` + labels + `},"Ports":[{"IP":"127.0.0.1","PrivatePort":5432,"PublicPort":` + os.Args[2] + `,"Type":"tcp"}]}]`
	fmt.Println("engine listens")
	fatal(http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/containers/json" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, answer)
	})))
}

// outgoing PORT ADDRESS connects there from the local port PORT.
func outgoing() {
	port, err := strconv.Atoi(os.Args[1])
	if err != nil {
		fatal(err)
	}
	// Go sets SO_REUSEADDR on sockets that listen only.
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}}
	c, err := dialer.Dial("tcp4", os.Args[2])
	if err != nil {
		fatal(err)
	}
	fmt.Println("connected", c.LocalAddr())
	stay()
	runtime.KeepAlive(c)
}

// lock FILE holds a lock file.
func lock() {
	if _, err := lockfile.Acquire(context.Background(), os.Args[1], time.Minute); err != nil {
		fatal(err)
	}
	fmt.Println("locked", os.Getpid())
	stay()
}

// printLines prints its arguments and then waits for a signal.
func printLines() {
	for _, arg := range os.Args[1:] {
		fmt.Print(arg)
	}
	stay()
}

// showArguments [-status N] [-env NAME] [ARG…] prints each argument and the
// variable in brackets, and exits with status N. Scripts for all systems use it
// for echo, printf and exit.
func showArguments() {
	status := flag.Int("status", 0, "")
	name := flag.String("env", "", "")
	flag.Parse()
	if *name != "" {
		fmt.Printf("[%s is %s]\n", *name, os.Getenv(*name))
	}
	for _, arg := range flag.Args() {
		fmt.Printf("[%s]\n", arg)
	}
	os.Exit(*status)
}

// cleanUp waits for Ctrl-C, and then takes a while to end.
func cleanUp() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt)
	fmt.Println("waiting for Ctrl-C")
	<-signals
	time.Sleep(300 * time.Millisecond)
	fmt.Println("cleaned up")
	os.Exit(9)
}

// poll URL requests it repeatedly, each time over a new connection, and prints
// each response that differs from the previous one, and each failure.
func poll() {
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for before := ""; ; time.Sleep(time.Millisecond) {
		answer := ""
		if r, err := client.Get(os.Args[1]); err != nil {
			answer = "no answer: " + err.Error()
		} else {
			body, _ := io.ReadAll(r.Body)
			r.Body.Close()
			answer = "answer: " + strings.TrimSpace(string(body))
		}
		if answer != before {
			fmt.Println(answer)
			before = answer
		}
	}
}

// freePort prints a port on which nothing listens and that no name of the
// script gets: it comes from a range of its own.
func freePort() {
	os.Setenv("DEVPORTS_RANGE", os.Getenv("FREE_RANGE"))
	os.Args = []string{"devports", "port", "-g", "--registry", os.Getenv("WORK") + "/.free.json", fmt.Sprint("free", os.Getpid())}
	main()
}

func fatal(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// stay waits for a signal. Without cgo, the runtime reports a deadlock if a
// program waits for nothing.
func stay() {
	for {
		time.Sleep(time.Hour)
	}
}
