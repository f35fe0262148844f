package program

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// wget prints what a URL answers: "wget [-q] [-T SECONDS] -O - URL". Nothing is written to files.
func wget(ctx context.Context, w *World) int {
	flags := newFlags(w)
	quiet := flags.Bool("q", false, "no messages")
	timeout := flags.Int("T", 10, "seconds to wait")
	out := flags.String("O", "-", "- for standard output")
	var args []string
	for _, arg := range w.Args[1:] { // -qO-, as people type it
		switch {
		case arg == "-qO-":
			args = append(args, "-q")
		case arg == "-O-":
		default:
			args = append(args, arg)
		}
	}
	if flags.Parse(args) != nil || flags.NArg() != 1 || *out != "-" {
		fmt.Fprintln(w.Stderr, "wget: usage: wget [-q] [-T SECONDS] -O- URL")
		return usage
	}
	url := flags.Arg(0)
	if !strings.Contains(url, "://") {
		url = "http://" + url
	}
	client := newHTTPClient(w, time.Duration(*timeout)*time.Second, false)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return failed(w, err)
	}
	resp, err := client.Do(req)
	if err != nil {
		return failed(w, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 400 {
		if !*quiet {
			fmt.Fprintf(w.Stderr, "wget: server returned error: HTTP/1.1 %s\n", resp.Status)
		}
		return 1
	}
	if _, err := io.Copy(w.Stdout, resp.Body); err != nil {
		return failed(w, err)
	}
	return 0
}
