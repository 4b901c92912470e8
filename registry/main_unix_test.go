//go:build unix

package registry

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/devports/devports/allocator"
	"github.com/devports/devports/registry/checkout"
)

// become makes this process another user's, with a primary group of that user's own and one further group.
func become(user, group string) error {
	uid, err := strconv.Atoi(user)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(group)
	if err != nil {
		return err
	}
	syscall.Umask(0o022)
	if err := syscall.Setgroups([]int{gid}); err != nil {
		return err
	}
	if err := syscall.Setgid(uid); err != nil {
		return err
	}
	return syscall.Setuid(uid)
}

// unixRoles are roles of processes that change themselves before they lease.
var unixRoles = map[string]func(path string, args []string) error{
	// as leases the names in the rest of args as the user and group that the first two name
	"as": func(path string, args []string) error {
		if err := become(args[0], args[1]); err != nil {
			return err
		}
		return leaseAndPrint(Open(path), args[2:])
	},
	// refused is as, and prints the error that there has to be
	"refused": func(path string, args []string) error {
		if err := become(args[0], args[1]); err != nil {
			return err
		}
		err := leaseAndPrint(Open(path), args[2:])
		if err == nil {
			return fmt.Errorf("%s was leased", args[2:])
		}
		fmt.Println(err)
		return nil
	},
	// gone prints what is gone in the eyes of the user in args
	"gone": func(path string, args []string) error {
		if err := become(args[0], args[0]); err != nil {
			return err
		}
		leases, err := Open(path).Gone()
		fmt.Println(strings.TrimSpace("gone: " + show(leases)))
		return err
	},
	// full leases the name in args while no file can grow beyond the size that comes first
	"full": func(path string, args []string) error {
		size, err := strconv.ParseUint(args[0], 10, 64)
		if err != nil {
			return err
		}
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: size}); err != nil {
			return err
		}
		err = leaseAndPrint(Open(path), args[1:])
		if err == nil {
			return fmt.Errorf("a lease on a full disk succeeded")
		}
		fmt.Println(err)
		return nil
	},
	// churn leases and removes one name for ever
	"churn": func(path string, args []string) error {
		r := Open(path)
		for {
			if _, _, err := r.Lease(context.Background(), checkout.Checkout{}, []Want{want("churn")}, Options{Choose: upFrom(30000)}); err != nil {
				return err
			}
			var unknown *UnknownError // another was faster
			if _, err := r.Remove(context.Background(), Scope{}, allocator.PortName{Service: "churn"}); err != nil && !errors.As(err, &unknown) {
				return err
			}
		}
	},
}
