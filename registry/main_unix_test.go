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

// become changes the user of this process, its primary group, and one
// additional group.
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

// unixRoles are roles of processes that change their user or limits.
var unixRoles = map[string]func(path string, args []string) error{
	// as leases names as another user: args are the user, the group and the
	// names
	"as": func(path string, args []string) error {
		if err := become(args[0], args[1]); err != nil {
			return err
		}
		return leaseAndPrint(patient(path), args[2:])
	},
	// refused is as, expects an error and prints it
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
	// gone prints the leases that are gone for the user in args
	"gone": func(path string, args []string) error {
		if err := become(args[0], args[0]); err != nil {
			return err
		}
		leases, err := Open(path).Gone(checkout.Checkout{})
		fmt.Println(strings.TrimSpace("gone: " + show(leases)))
		return err
	},
	// full leases a name with a limit on file sizes: args are the limit and the
	// name
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
	// churn leases and removes one name in an endless loop
	"churn": func(path string, args []string) error {
		r := patient(path)
		for {
			if _, _, err := r.Lease(context.Background(), checkout.Checkout{}, []allocator.WantedPort{want("churn")}, Options{Choose: upFrom(30000)}); err != nil {
				return err
			}
			var unknown *UnknownError // another process was faster
			if _, err := r.Remove(context.Background(), Scope{}, allocator.PortName{Service: "churn"}); err != nil && !errors.As(err, &unknown) {
				return err
			}
		}
	},
}
