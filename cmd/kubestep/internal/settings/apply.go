package settings

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/pflag"
	"sigs.k8s.io/yaml"
)

// envPrefix begins the name of every environment variable.
const envPrefix = "KUBESTEP_"

// shared is the annotation of flags that the environment and the file may set as well.
const shared = "kubestep/shared"

// Share makes the named flags settable from the environment and the file.
func Share(flags *pflag.FlagSet, names ...string) {
	for _, name := range names {
		f := flags.Lookup(name)
		f.Usage += " (" + EnvName(name) + ")"
		if err := flags.SetAnnotation(name, shared, nil); err != nil {
			panic(err) // the flag was there a line above
		}
	}
}

// EnvName returns the environment variable of a flag: "KUBESTEP_DATA_DIR" for "data-dir".
func EnvName(flag string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// File is what the configuration file says.
type File struct {
	path   string
	values map[string]string
}

// ReadFile reads config.yaml in dir; no directory or no file means an empty one.
func ReadFile(dir string) (File, error) {
	if dir == "" {
		return File{}, nil
	}
	f := File{path: filepath.Join(dir, "config.yaml")}
	raw, err := os.ReadFile(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return File{}, nil
	case err != nil:
		return File{}, fmt.Errorf("read the configuration: %w", err)
	}
	var values map[string]any
	exactNumbers := func(d *json.Decoder) *json.Decoder { d.UseNumber(); return d }
	if err := yaml.Unmarshal(raw, &values, exactNumbers); err != nil {
		return File{}, fmt.Errorf("%s is not a list of `name: value` lines: %w", f.path, err)
	}
	f.values = make(map[string]string, len(values))
	for name, v := range values {
		switch v.(type) {
		case string, bool, json.Number:
			f.values[name] = fmt.Sprint(v)
		default:
			return File{}, fmt.Errorf("%s: %s must be one word, number or truth value", f.path, name)
		}
	}
	return f, nil
}

// Check returns an error when the file sets what none of the given flag sets shares.
func (f File) Check(all ...*pflag.FlagSet) error {
	var known []string
	for _, flags := range all {
		flags.VisitAll(func(flag *pflag.Flag) {
			if _, ok := flag.Annotations[shared]; ok && !slices.Contains(known, flag.Name) {
				known = append(known, flag.Name)
			}
		})
	}
	slices.Sort(known)
	for name := range f.values {
		if !slices.Contains(known, name) {
			return fmt.Errorf("%s: there is no setting %q; there are %s", f.path, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// Apply sets those shared flags that the command line did not set, from the environment or else from the file.
func (f File) Apply(flags *pflag.FlagSet, env func(string) (string, bool)) error {
	var failed error
	flags.VisitAll(func(flag *pflag.Flag) {
		if _, ok := flag.Annotations[shared]; !ok || flag.Changed || failed != nil {
			return
		}
		value, from := "", ""
		if v, ok := env(EnvName(flag.Name)); ok && v != "" {
			value, from = v, EnvName(flag.Name)
		} else if v, ok := f.values[flag.Name]; ok {
			value, from = v, f.path+": "+flag.Name
		} else {
			return
		}
		if err := flags.Set(flag.Name, value); err != nil {
			failed = fmt.Errorf("%s: %w", from, err)
		}
	})
	return failed
}
