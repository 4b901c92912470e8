// Command ianagen turns IANA's registry of service names and port numbers
// into the table that package allocator embeds.
//
//	ianagen -xml service-names-port-numbers.xml[.gz] -o assigned_table.go
//
// The same registry gives the same file, byte for byte.
package main

import (
	"compress/gzip"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

const source = "https://www.iana.org/assignments/service-names-port-numbers/service-names-port-numbers.xml"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "ianagen: error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("ianagen", flag.ContinueOnError)
	in := flags.String("xml", "", "the registry's XML `file`, plain or .gz")
	out := flags.String("o", "", "the Go `file` to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *in == "" {
		return fmt.Errorf("-xml is empty: fetch %s and name the file with -xml or, under go generate, with IANA_XML", source)
	}
	if *out == "" {
		return errors.New("-o is empty: name the Go file to write")
	}
	reg, err := readFile(*in)
	if err != nil {
		return fmt.Errorf("%s: %w", *in, err)
	}
	code, err := reg.goFile()
	if err != nil {
		return err
	}
	return os.WriteFile(*out, code, 0o644)
}

func readFile(path string) (registry, error) {
	f, err := os.Open(path)
	if err != nil {
		return registry{}, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return registry{}, err
		}
	}
	return read(r)
}
