package program

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// options reads command lines as getopt_long(3) does: -v, -zv, -c 3, -c3, --max-time 3, --max-time=3, in any place before
// "--".
type options struct{ all []*option }

type option struct {
	names []string // without dashes
	set   func(value string) error
	value bool // takes one
}

// optionError is a mistake in a command line. Its text is getopt's.
type optionError struct {
	option string // as typed: "-x", "--nope"
	kind   optionMistake
	value  string
}

type optionMistake int

const (
	unknownOption optionMistake = iota
	missingValue
	badValue
	unwantedValue
)

// Error implements error.
func (e *optionError) Error() string {
	long := strings.HasPrefix(e.option, "--")
	switch {
	case e.kind == badValue:
		return fmt.Sprintf("invalid argument: '%s'", e.value)
	case e.kind == unwantedValue:
		return fmt.Sprintf("option '%s' doesn't allow an argument", e.option)
	case e.kind == missingValue && long:
		return fmt.Sprintf("option '%s' requires an argument", e.option)
	case e.kind == missingValue:
		return fmt.Sprintf("option requires an argument -- '%s'", e.option[1:])
	case long:
		return fmt.Sprintf("unrecognized option '%s'", e.option)
	}
	return fmt.Sprintf("invalid option -- '%s'", e.option[1:])
}

// flag is an option without a value.
func (o *options) flag(to *bool, names ...string) {
	o.all = append(o.all, &option{names: names, set: func(string) error { *to = true; return nil }})
}

// ignore are options that change nothing here.
func (o *options) ignore(names ...string) {
	var ignored bool
	o.flag(&ignored, names...)
}

// call is an option with a value that set understands.
func (o *options) call(set func(value string) error, names ...string) {
	o.all = append(o.all, &option{names: names, set: set, value: true})
}

func (o *options) text(to *string, names ...string) {
	o.call(func(v string) error { *to = v; return nil }, names...)
}

// number is a whole number from least to most.
func (o *options) number(to *int, least, most int, names ...string) {
	o.call(func(v string) error {
		n, err := strconv.Atoi(v)
		if err != nil {
			return err
		}
		if n < least || n > most {
			return fmt.Errorf("%d is not in %d..%d", n, least, most)
		}
		*to = n
		return nil
	}, names...)
}

// seconds is a time: "2", "0.5".
func (o *options) seconds(to *time.Duration, names ...string) {
	o.call(func(v string) error {
		s, err := strconv.ParseFloat(v, 64)
		if err != nil {
			return err
		}
		if !(s >= 0 && s < 1e9) {
			return fmt.Errorf("%s is not a time in seconds", v)
		}
		*to = time.Duration(s * float64(time.Second))
		return nil
	}, names...)
}

// parse returns what is not an option. The error is an *optionError.
func (o *options) parse(args []string) (rest []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		switch {
		case arg == "--":
			return append(rest, args...), nil
		case strings.HasPrefix(arg, "--"):
			args, err = o.long(arg, args)
		case len(arg) > 1 && arg[0] == '-':
			args, err = o.short(arg[1:], args)
		default:
			rest = append(rest, arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// run reads a program's command line and says whether the program goes on: not after --help, nor after a mistake, which it
// has told. code is then the exit code.
func (o *options) run(w *World, synopsis string) (rest []string, code int, ok bool) {
	var asked bool
	o.flag(&asked, "help")
	rest, err := o.parse(w.Args[1:])
	switch {
	case err != nil:
		fmt.Fprintf(w.Stderr, "%s: %v\nUsage: %s\n", path.Base(w.Args[0]), err, synopsis)
		return nil, usage, false
	case asked:
		fmt.Fprintln(w.Stdout, "Usage: "+synopsis)
		return nil, 0, false
	}
	return rest, 0, true
}

func (o *options) long(arg string, args []string) ([]string, error) {
	name, value, given := strings.Cut(arg[2:], "=")
	opt := o.find(name)
	switch {
	case opt == nil || len(name) < 2:
		return nil, &optionError{option: "--" + name}
	case given && !opt.value:
		return nil, &optionError{option: "--" + name, kind: unwantedValue}
	case opt.value && !given:
		if len(args) == 0 {
			return nil, &optionError{option: "--" + name, kind: missingValue}
		}
		value, args = args[0], args[1:]
	}
	if opt.set(value) != nil {
		return nil, &optionError{option: "--" + name, kind: badValue, value: value}
	}
	return args, nil
}

func (o *options) short(cluster string, args []string) ([]string, error) {
	for i, c := range cluster {
		name := string(c)
		opt := o.find(name)
		if opt == nil {
			return nil, &optionError{option: "-" + name}
		}
		value := ""
		if opt.value {
			if value = cluster[i+len(name):]; value == "" {
				if len(args) == 0 {
					return nil, &optionError{option: "-" + name, kind: missingValue}
				}
				value, args = args[0], args[1:]
			}
		}
		if opt.set(value) != nil {
			return nil, &optionError{option: "-" + name, kind: badValue, value: value}
		}
		if opt.value {
			break
		}
	}
	return args, nil
}

func (o *options) find(name string) *option {
	for _, opt := range o.all {
		for _, n := range opt.names {
			if n == name {
				return opt
			}
		}
	}
	return nil
}
