package program

import (
	"fmt"
	"io/fs"
	"strconv"
)

// test is the builtin with both names, test EXPR and [ EXPR ], for up to three arguments, !, -a and -o.
func (sh *shell) test(name string, args []string) {
	if name == "[" {
		if len(args) == 0 || args[len(args)-1] != "]" {
			sh.fail(fmt.Errorf("[: missing ]"))
			sh.last = usage
			return
		}
		args = args[:len(args)-1]
	}
	ok, err := sh.evaluate(args)
	switch {
	case err != nil:
		sh.fail(fmt.Errorf("%s: %w", name, err))
		sh.last = usage
	case ok:
		sh.last = 0
	default:
		sh.last = 1
	}
}

func (sh *shell) evaluate(args []string) (bool, error) {
	for _, op := range []string{"-o", "-a"} { // -o binds less
		for i := len(args) - 2; i > 0; i-- {
			if args[i] != op {
				continue
			}
			x, err := sh.evaluate(args[:i])
			if err != nil {
				return false, err
			}
			y, err := sh.evaluate(args[i+1:])
			if op == "-o" {
				return x || y, err
			}
			return x && y, err
		}
	}
	if len(args) > 1 && args[0] == "!" {
		ok, err := sh.evaluate(args[1:])
		return !ok, err
	}
	switch len(args) {
	case 0:
		return false, nil
	case 1:
		return args[0] != "", nil
	case 2:
		return sh.unary(args[0], args[1])
	case 3:
		return compare(args[0], args[1], args[2])
	}
	return false, fmt.Errorf("too many arguments")
}

func (sh *shell) unary(op, arg string) (bool, error) {
	switch op {
	case "-n":
		return arg != "", nil
	case "-z":
		return arg == "", nil
	case "-L", "-h":
		info, err := sh.Files.Stat(sh.Abs(arg), false)
		return err == nil && info.Mode()&fs.ModeSymlink != 0, nil
	}
	info, err := sh.Files.Stat(sh.Abs(arg), true)
	switch op {
	case "-e", "-r", "-w", "-x": // what can be seen can be used: programs have no users
		return err == nil, nil
	case "-f":
		return err == nil && info.Mode().IsRegular(), nil
	case "-d":
		return err == nil && info.IsDir(), nil
	case "-s":
		return err == nil && info.Size() > 0, nil
	}
	return false, fmt.Errorf("%s: unknown operator", op)
}

func compare(x, op, y string) (bool, error) {
	switch op {
	case "=", "==":
		return x == y, nil
	case "!=":
		return x != y, nil
	}
	a, err := strconv.Atoi(x)
	if err != nil {
		return false, fmt.Errorf("%s: not a number", x)
	}
	b, err := strconv.Atoi(y)
	if err != nil {
		return false, fmt.Errorf("%s: not a number", y)
	}
	switch op {
	case "-eq":
		return a == b, nil
	case "-ne":
		return a != b, nil
	case "-lt":
		return a < b, nil
	case "-le":
		return a <= b, nil
	case "-gt":
		return a > b, nil
	case "-ge":
		return a >= b, nil
	}
	return false, fmt.Errorf("%s: unknown operator", op)
}
