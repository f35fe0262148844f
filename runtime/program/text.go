package program

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// eachLine calls do with the lines of standard input or of files.
func eachLine(ctx context.Context, w *World, names []string, do func(line string) (more bool)) (code int) {
	return inputs(ctx, w, names, func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if !do(lines.Text()) {
				return nil
			}
		}
		return lines.Err()
	})
}

// oldCount turns "-5" into "-n 5", as head and tail had it before POSIX.
func oldCount(w *World) *World {
	if len(w.Args) < 2 || len(w.Args[1]) < 2 || w.Args[1][0] != '-' {
		return w
	}
	if _, err := strconv.ParseUint(w.Args[1][1:], 10, 31); err != nil {
		return w
	}
	now := *w
	now.Args = slices.Concat([]string{w.Args[0], "-n", w.Args[1][1:]}, w.Args[2:])
	return &now
}

func head(ctx context.Context, w *World) int {
	w = oldCount(w)
	n := 10
	var o options
	o.number(&n, 0, 1<<30, "n", "lines")
	names, code, ok := o.run(w, "head [-n LINES] [FILE...]")
	if !ok {
		return code
	}
	return inputs(ctx, w, names, func(r io.Reader) error {
		lines := bufio.NewScanner(r)
		for i := 0; i < n && lines.Scan(); i++ {
			fmt.Fprintln(w.Stdout, lines.Text())
		}
		return lines.Err()
	})
}

func tail(ctx context.Context, w *World) int {
	w = oldCount(w)
	n := 10
	var o options
	o.number(&n, 0, 1<<20, "n", "lines")
	names, code, ok := o.run(w, "tail [-n LINES] [FILE...]")
	if !ok {
		return code
	}
	var last []string
	code = eachLine(ctx, w, names, func(line string) bool {
		if last = append(last, line); len(last) > n {
			last = last[1:]
		}
		return true
	})
	for _, line := range last {
		fmt.Fprintln(w.Stdout, line)
	}
	return code
}

func wc(ctx context.Context, w *World) int {
	var linesOnly, wordsOnly, bytesOnly bool
	var o options
	o.flag(&linesOnly, "l", "lines")
	o.flag(&wordsOnly, "w", "words")
	o.flag(&bytesOnly, "c", "bytes")
	names, code, ok := o.run(w, "wc [-lwc] [FILE...]")
	if !ok {
		return code
	}
	return inputs(ctx, w, names, func(r io.Reader) error {
		var lines, words, bytes int
		in := bufio.NewReader(r)
		for {
			line, err := in.ReadString('\n')
			bytes += len(line)
			words += len(strings.Fields(line))
			lines += strings.Count(line, "\n")
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
		}
		switch {
		case linesOnly:
			fmt.Fprintln(w.Stdout, lines)
		case wordsOnly:
			fmt.Fprintln(w.Stdout, words)
		case bytesOnly:
			fmt.Fprintln(w.Stdout, bytes)
		default:
			fmt.Fprintf(w.Stdout, "%7d %7d %7d\n", lines, words, bytes)
		}
		return nil
	})
}

const grepUsage = "grep [-civqnoFE] PATTERN [FILE...]"

// grep prints the lines that match. Patterns are Go's regular expressions, which agree with POSIX' extended ones in what
// people type.
func grep(ctx context.Context, w *World) int {
	var count, fold, invert, quiet, number, only, fixed, extended bool
	var o options
	o.flag(&count, "c", "count")
	o.flag(&fold, "i", "ignore-case")
	o.flag(&invert, "v", "invert-match")
	o.flag(&quiet, "q", "quiet", "silent")
	o.flag(&number, "n", "line-number")
	o.flag(&only, "o", "only-matching")
	o.flag(&fixed, "F", "fixed-strings")
	o.flag(&extended, "E", "extended-regexp")
	args, code, ok := o.run(w, grepUsage)
	if !ok {
		return code
	}
	if len(args) == 0 {
		fmt.Fprintln(w.Stderr, "Usage: "+grepUsage)
		return usage
	}
	text := args[0]
	if fixed {
		text = regexp.QuoteMeta(text)
	}
	if fold {
		text = "(?i)" + text
	}
	pattern, err := regexp.Compile(text)
	if err != nil {
		fmt.Fprintf(w.Stderr, "grep: bad pattern %s: try grep -F for plain text\n", args[0])
		return usage
	}
	found, at := 0, 0
	code = eachLine(ctx, w, args[1:], func(line string) bool {
		at++
		if pattern.MatchString(line) == invert {
			return true
		}
		found++
		out := []string{line}
		if only && !invert {
			out = pattern.FindAllString(line, -1)
		}
		for _, part := range out {
			switch {
			case quiet || count:
			case number:
				fmt.Fprintf(w.Stdout, "%d:%s\n", at, part)
			default:
				fmt.Fprintln(w.Stdout, part)
			}
		}
		return !quiet
	})
	if count && !quiet {
		fmt.Fprintln(w.Stdout, found)
	}
	switch {
	case code != 0:
		return usage
	case found == 0:
		return 1
	}
	return 0
}

func tee(_ context.Context, w *World) int {
	var more bool
	var o options
	o.flag(&more, "a", "append")
	names, code, ok := o.run(w, "tee [-a] [FILE...]")
	if !ok {
		return code
	}
	mode := os.O_TRUNC
	if more {
		mode = os.O_APPEND
	}
	to := []io.Writer{w.Stdout}
	for _, name := range names {
		f, err := w.Files.OpenFile(w.Abs(name), os.O_WRONLY|os.O_CREATE|mode, 0o644)
		if err != nil {
			return failed(w, err)
		}
		defer f.Close()
		to = append(to, f)
	}
	if _, err := io.Copy(io.MultiWriter(to...), w.Stdin); err != nil {
		return failed(w, err)
	}
	return 0
}

// sortApplet is sort(1): "curl ... | sort | uniq -c | sort -rn".
func sortApplet(ctx context.Context, w *World) int {
	var numeric, reverse, unique bool
	var o options
	o.flag(&numeric, "n", "numeric-sort")
	o.flag(&reverse, "r", "reverse")
	o.flag(&unique, "u", "unique")
	names, code, ok := o.run(w, "sort [-nru] [FILE...]")
	if !ok {
		return code
	}
	var all []string
	code = eachLine(ctx, w, names, func(line string) bool {
		all = append(all, line)
		return true
	})
	slices.SortStableFunc(all, func(a, b string) int {
		order := strings.Compare(a, b)
		if numeric {
			order = cmp.Or(cmp.Compare(leadingNumber(a), leadingNumber(b)), order)
		}
		if reverse {
			order = -order
		}
		return order
	})
	if unique {
		all = slices.Compact(all)
	}
	for _, line := range all {
		fmt.Fprintln(w.Stdout, line)
	}
	return code
}

// leadingNumber is what a line begins with, 0 for no number.
func leadingNumber(line string) float64 {
	line = strings.TrimLeft(line, " \t")
	end := 0
	for end < len(line) && strings.IndexByte("+-.0123456789", line[end]) >= 0 {
		end++
	}
	n, _ := strconv.ParseFloat(line[:end], 64) // 0 for none, as sort has it
	return n
}

func uniq(ctx context.Context, w *World) int {
	var count bool
	var o options
	o.flag(&count, "c", "count")
	names, code, ok := o.run(w, "uniq [-c] [FILE]")
	if !ok {
		return code
	}
	last, times := "", 0
	flush := func() {
		switch {
		case times == 0:
		case count:
			fmt.Fprintf(w.Stdout, "%7d %s\n", times, last)
		default:
			fmt.Fprintln(w.Stdout, last)
		}
	}
	code = eachLine(ctx, w, names, func(line string) bool {
		if times == 0 || line != last {
			flush()
			last, times = line, 0
		}
		times++
		return true
	})
	flush()
	return code
}

func seq(ctx context.Context, w *World) int {
	var n []int
	for _, arg := range w.Args[1:] {
		v, err := strconv.Atoi(arg)
		if err != nil {
			n = nil
			break
		}
		n = append(n, v)
	}
	first, step, last := 1, 1, 0
	switch len(n) {
	case 1:
		last = n[0]
	case 2:
		first, last = n[0], n[1]
	case 3:
		first, step, last = n[0], n[1], n[2]
	}
	if len(n) == 0 || len(n) > 3 || step == 0 {
		fmt.Fprintln(w.Stderr, "Usage: seq [FIRST [STEP]] LAST")
		return usage
	}
	for i := first; (step > 0 && i <= last || step < 0 && i >= last) && ctx.Err() == nil; i += step {
		if _, err := fmt.Fprintln(w.Stdout, i); err != nil {
			return 1
		}
	}
	return 0
}
