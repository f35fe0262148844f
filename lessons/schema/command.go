package schema

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Lessons may come from anybody, so a command of a lesson can only be kubectl, only with verbs and flags that act on the
// lab's cluster, and can read only the lesson's own files; or "kubestep fault", which acts on the lab alone.

// verbs are what of kubectl a lesson may use. What is left out reaches other clusters, opens ports or editors, or writes
// files.
var verbs = []string{"annotate", "api-resources", "apply", "auth", "autoscale", "cordon", "create", "delete", "describe",
	"drain", "events", "exec", "explain", "expose", "get", "label", "logs", "patch", "replace", "rollout", "run", "scale",
	"set", "taint", "uncordon", "version", "wait"}

// fileFlags take a file; their files must be in the lesson's folder.
var fileFlags = []string{"-f", "--filename", "--patch-file", "--from-file", "--from-env-file"}

// safeFlags are the flags a lesson may use besides those of files.
var safeFlags = []string{
	"-A", "--all", "--all-containers", "--all-namespaces", "--allow-missing-template-keys", "--annotation", "--as",
	"--as-group", "--attach", "-c", "--cascade", "--cluster-ip", "--clusterrole", "--command", "--containers",
	"--cpu", "--cpu-percent", "--current-replicas", "--default", "--delete-emptydir-data", "--description",
	"--disable-eviction", "--dry-run", "-e", "--env", "--expose", "--external-ip", "--external-name",
	"--field-manager", "--field-selector", "--follow", "--for", "--force", "--force-conflicts", "--from",
	"--from-literal", "--global-default", "--grace-period", "--group", "--hard", "-i", "--ignore-daemonsets",
	"--ignore-not-found", "--image", "--image-pull-policy", "-l", "--labels", "--limits", "--list", "--local",
	"--max", "--max-unavailable", "--memory", "--min", "--min-available", "-n", "--name", "--namespace",
	"--no-headers", "--node-port", "--non-resource-url", "--now", "-o", "--output", "--overrides", "--overwrite",
	"-p", "--patch", "--pod-selector", "--port", "--preemption-policy", "--prefix", "--previous", "--privileged",
	"--protocol", "-q", "--quiet", "-R", "--record", "--recursive", "--replicas", "--requests", "--resource",
	"--resource-names", "--resource-version", "--restart", "--revision", "--rm", "--role", "--rule",
	"--save-config", "--schedule", "--selector", "--server-side", "--serviceaccount", "--session-affinity",
	"--show-kind", "--show-labels", "--show-managed-fields", "--since", "--sort-by", "--stdin", "--subresource",
	"--tail", "--target-port", "--tcp", "--timeout", "--timestamps", "--to-revision", "--type", "--types",
	"--user", "--value", "--verb", "-w", "--wait", "--watch", "--watch-only",
}

// parseCommand checks one line. manifests are the folder's.
func parseCommand(line string, manifests []string) (Command, error) {
	c := Command{Line: line}
	words, err := split(line)
	switch {
	case err != nil:
		return c, err
	case len(words) > 0 && words[0] == "kubestep":
		c.Fault, err = parseFault(words)
		return c, err
	case len(words) == 0 || words[0] != "kubectl":
		return c, errors.New(`a lesson runs kubectl only, or breaks something: begin with "kubectl " or "kubestep fault "`)
	case len(words) == 1:
		return c, errors.New(`say what kubectl shall do: "kubectl get pods"`)
	}
	args := words[1:]
	c.Args = args
	if i := slices.IndexFunc(args, func(a string) bool { return a == "--" || strings.Contains(a, insertion) }); i >= 0 && args[i] != "--" {
		return c, fmt.Errorf("%s is what the cluster says: insert it only after --, into what runs in a container", args[i])
	}
	if strings.HasPrefix(args[0], "-") {
		return c, errors.New("put the verb right after kubectl and flags after it")
	}
	if !slices.Contains(verbs, args[0]) {
		return c, fmt.Errorf("lessons cannot use kubectl %s; the verbs are %s", args[0], strings.Join(verbs, ", "))
	}
	return c, checkFlags(args[1:], manifests)
}

// parseFault returns what follows "kubestep fault". What the words mean is not known here: see engine.ParseFault.
func parseFault(words []string) ([]string, error) {
	switch {
	case len(words) < 3 || words[1] != "fault":
		return nil, errors.New(`of kubestep, lessons use only "kubestep fault", as in "kubestep fault cut node-2" or "kubestep fault heal"`)
	case words[2] == "list":
		return nil, errors.New(`"kubestep fault list" changes nothing; leave it out`)
	}
	for _, w := range words[2:] {
		if strings.HasPrefix(w, "-") {
			return nil, fmt.Errorf("lessons cannot use the flag %s of kubestep fault", w)
		}
	}
	return words[2:], nil
}

func checkFlags(args, manifests []string) error {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			return nil // what follows runs in a container
		}
		if len(arg) < 2 || arg[0] != '-' {
			continue
		}
		name, value, joined := strings.Cut(arg, "=")
		if !strings.HasPrefix(name, "--") && len(name) > 2 {
			name, value, joined = name[:2], name[2:], true // -ojson, -fpod.yaml
			if arg == "-it" || arg == "-ti" || arg == "-t" {
				return fmt.Errorf("%s needs a terminal; leave it out", arg)
			}
		}
		switch {
		case slices.Contains(fileFlags, name):
			if !joined {
				i++
				if i == len(args) {
					return fmt.Errorf("%s needs a file of the lesson's folder", name)
				}
				value = args[i]
			}
			if name == "--from-file" {
				if _, file, ok := strings.Cut(value, "="); ok {
					value = file
				}
			}
			if !slices.Contains(manifests, value) {
				return fmt.Errorf("there is no file %q in the lesson's folder; it has %s", value, strings.Join(manifests, ", "))
			}
		case name == "-o" || name == "--output":
			if !joined && i+1 < len(args) {
				i++
				value = args[i]
			}
			if strings.Contains(value, "-file") {
				return fmt.Errorf("output %q reads a file; write the template itself", value)
			}
		case !slices.Contains(safeFlags, name):
			return fmt.Errorf("lessons cannot use the flag %s of kubectl", name)
		}
	}
	return nil
}

// insertion begins an expression whose value is put into a command when it is run, up to "}}".
const insertion = "{{"

// split takes a line apart as a POSIX shell does, without expansions. An insertion belongs to one word as it is written.
func split(line string) ([]string, error) {
	var (
		words []string
		word  strings.Builder
		open  bool
		quote rune
		esc   bool
		skip  int // bytes up to here are taken
	)
	for at, r := range line {
		switch {
		case at < skip:
		case !esc && strings.HasPrefix(line[at:], insertion):
			end := strings.Index(line[at:], "}}")
			if end < 0 {
				return nil, errors.New("{{ is not closed by }}")
			}
			skip, open = at+end+2, true
			word.WriteString(line[at:skip])
		case esc:
			word.WriteRune(r)
			esc = false
		case quote == '\'' && r != '\'', quote == '"' && r != '"' && r != '\\':
			word.WriteRune(r)
		case r == '\\':
			esc, open = true, true
		case quote != 0:
			quote = 0
		case r == '\'' || r == '"':
			quote, open = r, true
		case r == ' ' || r == '\t' || r == '\n':
			if open {
				words = append(words, word.String())
				word.Reset()
			}
			open = false
		case strings.ContainsRune("|&;<>`$(){}*?#~", r):
			return nil, fmt.Errorf("%q means something to a shell, but no shell runs this; quote it or leave it out", r)
		default:
			word.WriteRune(r)
			open = true
		}
	}
	if quote != 0 || esc {
		return nil, errors.New("a quote is not closed")
	}
	if open {
		words = append(words, word.String())
	}
	return words, nil
}

func isManifest(name string) bool {
	ext := path.Ext(name)
	return name != lessonFile && (ext == ".yaml" || ext == ".yml" || ext == ".json")
}

var reference = regexp.MustCompile(`\$\{([^}\n]*)\}`)

// substitute replaces ${name} by its value; names without a value stay.
func substitute(raw []byte, values map[string]string) []byte {
	return reference.ReplaceAllFunc(raw, func(m []byte) []byte {
		if v, ok := values[string(m[2:len(m)-1])]; ok {
			return []byte(v)
		}
		return m
	})
}
