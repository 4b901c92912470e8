package main

import (
	"errors"
	"testing"
)

func TestPortIn(t *testing.T) {
	for arg, want := range map[string]int{
		"8080": 8080, ":8080": 8080, "localhost:8080": 8080, "LOCALHOST.:8080": 8080, "shop.localhost:8080": 8080, "127.0.0.1:8080": 8080,
		"127.1.2.3:1": 1, "0.0.0.0:65535": 65535, "[::1]:8080": 8080, "[::]:8080": 8080, "http://localhost:8080/": 8080,
		"http://localhost:8080/a?b=c:1#d": 8080, "https://localhost": 443, "http://[::1]/x": 80, "localhost:3000/login": 3000, "http://user:pw@localhost:3000": 3000,
	} {
		if got, ok, err := portIn("devports who %d", arg); got != want || !ok || err != nil {
			t.Errorf("%s is %d, %v, %v", arg, got, ok, err)
		}
	}
	for _, arg := range []string{"auth", "auth:metrics", "web-2", "3d", "", "a:b:c", "http://", "ftp://localhost:21/", "localhost:", "[::1]"} {
		if got, ok, err := portIn("devports who %d", arg); ok || err != nil {
			t.Errorf("%q is %d, %v", arg, got, err)
		}
	}
	for _, arg := range []string{
		"0", "65536", "-1", "+80", "010000", "0x1F90", "8_080", ":0", "localhost:080", "http://localhost:99999/",
		"example.com:80", "http://example.com/", "192.0.2.1:80", "[2001:db8::1]:80", "web:3000",
	} {
		got, ok, err := portIn("devports who %d", arg)
		var f failure
		if !ok || !errors.As(err, &f) || f.status != exitUsage || f.lines[0].hint == "" {
			t.Errorf("%q is %d, %v, %v", arg, got, ok, err)
		}
	}
}
