package main

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/devports/devports/allocator"
)

// portIn parses an argument that names a port of this machine: "8080", ":8080",
// "localhost:8080", "[::1]:8080" or a URL. ok is false for anything else, which
// may be a name. An error is a usage failure; its hint is the command, with a
// port in place of the argument.
func portIn(command, arg string) (port int, ok bool, err error) {
	host, number, isAddress := splitAddress(arg)
	if !isAddress {
		if !isNumber(arg) {
			return 0, false, nil
		}
		number = arg
	}
	port, err = allocator.ParsePort(number)
	if err != nil {
		return 0, true, usage(fmt.Sprintf(command, 8080), "%v", err)
	}
	if !isThisMachine(host) {
		return 0, true, usage(fmt.Sprintf(command, port), "%s is not this machine", host)
	}
	return port, true, nil
}

// splitAddress splits an address or an http or https URL. A URL without a port
// has the default port of its scheme.
func splitAddress(arg string) (host, port string, ok bool) {
	if u, err := url.Parse(arg); err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") {
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		return u.Hostname(), port, true
	}
	arg, _, _ = strings.Cut(arg, "/") // a browser's address, which shows no scheme
	host, port, err := net.SplitHostPort(arg)
	return host, port, err == nil && isNumber(port) // "auth:metrics" is a name
}

// isNumber reports whether s is a number, even if it is not a valid port.
func isNumber(s string) bool {
	_, err := strconv.ParseInt(s, 0, 64)
	return err == nil || s != "" && strings.Trim(s, "0123456789") == ""
}

// isThisMachine reports whether a host is this machine; "" is.
func isThisMachine(host string) bool {
	host, _, _ = strings.Cut(strings.ToLower(strings.TrimSuffix(host, ".")), "%")
	if name, err := os.Hostname(); err == nil && host == strings.ToLower(name) {
		return true
	}
	if host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	if ip == nil {
		return false
	}
	if ip.IsLoopback() || ip.IsUnspecified() {
		return true
	}
	own, _ := net.InterfaceAddrs()
	for _, address := range own {
		if network, ok := address.(*net.IPNet); ok && network.IP.Equal(ip) {
			return true
		}
	}
	return false
}
