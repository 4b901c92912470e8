package main

import (
	"os"
	"os/exec"
	"sync"
)

// way is a way in which a run ends.
type way string

const (
	wayInterrupt way = "INT"
	wayEchoed    way = "INT with its echo" // a second one within launcher.EchoTime
	wayTwice     way = "INT twice"
	wayTerminate way = "TERM"
	wayHangUp    way = "HUP"
	wayKill      way = "KILL"
	wayKillBoth  way = "KILL of both" // of devports and its watchdog; the next run kills the rest
	wayClosed    way = "closed"       // the terminal, or the reader of the output
	wayDown      way = "down"
)

var ways = []way{
	wayInterrupt, wayEchoed, wayTwice, wayTerminate, wayHangUp, wayKill, wayKillBoth, wayClosed, wayDown,
}

// graceful reports whether services get their full stop timeout.
func (w way) graceful() bool { return w != wayTwice && w != wayKill && w != wayKillBoth }

// kind is a kind of descendants that a service has.
type kind struct {
	name    string
	service string
	command string      // {M} is the mark of the run and the kind
	sleeps  int         // the number of processes `sleep {M}` once all are started
	stopped int         // the number of suspended processes with {M} among their arguments
	files   []string    // the files that exist then
	here    func() bool // reports whether this machine permits it; nil if every machine does
}

var kinds = []kind{
	{name: "plain", service: "plain", command: `sleep {M}; true`, sleeps: 1},
	{name: "background", service: "background", command: `sleep {M} & (sleep {M} & sleep {M}) & wait`, sleeps: 3},
	{name: "ignoring signals", service: "stubborn", sleeps: 2, command: `
trap '' TERM INT HUP
sleep {M} & sleep {M}; sleep {M}; sleep {M}`},
	{name: "setsid", service: "session", sleeps: 3, command: `
setsid sleep {M} &
setsid sh -c 'trap "" TERM INT HUP; sleep {M}; sleep {M}; sleep {M}' &
exec sleep {M}`},
	{name: "double fork", service: "daemon", command: `(setsid sh -c "sleep {M} & exec sleep {M}" &); exec sleep {M}`, sleeps: 3},
	{name: "env -i setsid", service: "cleared", sleeps: 4, command: `
env -i setsid sleep {M} &
(env -i PATH="$PATH" setsid sh -c "sleep {M} & exec sleep {M}" &)
exec sleep {M}`},
	{name: "stopped", service: "stopped", sleeps: 1, stopped: 2, command: `
sleep {M} & kill -STOP $!
setsid sh -c 'kill -STOP $$; exec sleep {M}' &
exec sleep {M}`},
	{name: "fork chain", service: "chain", sleeps: 1, files: chainFiles, command: `
sh chain.sh {M} {P} &
env -i PATH="$PATH" setsid sh leaving.sh {M} {P} &
exec sleep {M}`},
	{
		name: "pid namespace", service: "namespace", sleeps: 3,
		command: `unshare -pf --mount-proc sh -c "sleep {M} & setsid sleep {M} & exec sleep {M}"`,
		here:    sync.OnceValue(func() bool { return exec.Command("unshare", "-pf", "--mount-proc", "true").Run() == nil }),
	},
	{
		name: "another user's", service: "foreign", sleeps: 3,
		command: `setpriv --reuid 65534 --regid 65534 --clear-groups sh -c "sleep {M} & setsid sleep {M} & exec sleep {M}"`,
		here: sync.OnceValue(func() bool {
			return os.Getuid() == 0 && exec.Command("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "true").Run() == nil
		}),
	},
	{
		name: "PDEATHSIG", service: "deathsig", sleeps: 2,
		command: `setpriv --pdeathsig TERM sleep {M} & exec setpriv --pdeathsig TERM sleep {M}`,
		here:    sync.OnceValue(func() bool { return exec.Command("setpriv", "--pdeathsig", "TERM", "true").Run() == nil }),
	},
	{name: "another up", service: "nested", command: `cd nested && exec devports up --log {M}.log`, sleeps: 2},
	// It cleans up, which takes a while, and prints all the time.
	{name: "cleaning up", service: "tidy", sleeps: 1, command: `
trap 'sleep 0.1; echo clean >> cleaned; exit 0' TERM
sleep {M} &
while :; do echo tick; sleep 0.05; done`},
}

// The scripts of fork chains: each process starts the next one and exits. In
// the second, each process has its own session.
const (
	chainScript   = `: > "$0.began"; [ "$2" = 0 ] || sleep "$2"; sh "$0" "$@" &`
	leavingScript = `: > "$0.began"; [ "$2" = 0 ] || sleep "$2"; setsid sh "$0" "$@" &`
)

// chainFiles are written by each process of the chains.
var chainFiles = []string{"chain.sh.began", "leaving.sh.began"}

// bystander is a kind of processes that must outlive the run.
type bystander struct {
	name    string
	service string // the service that starts them; "" for none
	command string // its command; {M} is the service's own mark, {B} the bystanders'
	sleeps  int    // the number of processes, each with {B} as its only argument
}

// Bystanders that have no mark.
const (
	reader  = "process substitution"
	another = "another project's run"
)

// bystandersOn returns the bystanders of a run on a terminal or with pipes.
func bystandersOn(tty bool) []bystander {
	// The kernel sends SIGHUP to the foreground group when the session leader
	// ends.
	exempt := `DEVPORTS_OUTSIDE=1 sleep {B} & exec sleep {M}`
	if tty {
		exempt = `DEVPORTS_OUTSIDE=1 setsid -f sleep {B}; exec sleep {M}`
	}
	list := []bystander{
		{name: "job of the shell", sleeps: 4},
		{name: "shared daemon", service: "keys", command: `setsid -f ./gpg-agent {B}; exec sleep {M}`, sleeps: 1},
		{name: "DEVPORTS_OUTSIDE", service: "exempt", command: exempt, sleeps: 1},
	}
	if tty {
		list = append(list, bystander{name: "browser and helpers", sleeps: 4})
	}
	return list
}

// browserScript simulates a browser. Its helpers have no mark.
const browserScript = `#!/bin/sh
env -i setsid sleep {B} &
(env -i PATH="$PATH" setsid sh -c "sleep {B} & exec sleep {B}" &)
exec sleep {B}
`

// jobScript is a background job of the shell from before it becomes devports.
// One of its processes loses its parent while devports runs.
const jobScript = `trap '' HUP INT
sleep {B} &
(setsid sleep {B} &)
until test -e began; do sleep 0.02; done
(sleep {B} &)
exec sleep {B}
`

// upScript starts devports.
const upScript = `bash job.sh {B} &
echo $$ > pid
exec devports up {TO} >(trap "" HUP INT; cat > read; echo "end $?" >> read)
`
