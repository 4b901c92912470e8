// Command ianagen converts IANA's registry of service names and port numbers to
// the table that package allocator embeds.
//
//	ianagen -xml service-names-port-numbers.xml[.gz] -o assigned_table.go
//
// The output depends only on the registry.
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
		return fmt.Errorf("-xml is empty: download %s and pass the file with -xml or, for go generate, in IANA_XML", source)
	}
	if *out == "" {
		return errors.New("-o is empty: pass the Go file to write")
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
