package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

func lookup(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := env[name]; return v, ok }
}

func TestFind(t *testing.T) {
	long := "/var/folders/zz/zyxvpxvq6csfxvn_n0000000000000/T"
	uid := filepath.Base(Find(lookup(nil)).Run) // kubestep-UID
	for _, tc := range []struct {
		name string
		env  map[string]string
		want Dirs
	}{
		{"home", map[string]string{"HOME": "/home/u"},
			Dirs{"/home/u/.config/kubestep", "/home/u/.local/state/kubestep", "/home/u/.local/share/kubestep", "/tmp/" + uid}},
		{"XDG", map[string]string{"HOME": "/home/u", "XDG_CONFIG_HOME": "/c", "XDG_STATE_HOME": "/s", "XDG_DATA_HOME": "/d", "XDG_RUNTIME_DIR": "/run/user/7"},
			Dirs{"/c/kubestep", "/s/kubestep", "/d/kubestep", "/run/user/7/kubestep"}},
		{"no home", nil, Dirs{Run: "/tmp/" + uid}},
		{"relative paths are ignored", map[string]string{"HOME": "u", "XDG_CONFIG_HOME": "c", "XDG_RUNTIME_DIR": "r"},
			Dirs{Run: "/tmp/" + uid}},
		{"a temporary directory too deep for sockets", map[string]string{"TMPDIR": long}, Dirs{Run: "/tmp/" + uid}},
		{"a short temporary directory", map[string]string{"TMPDIR": "/t"}, Dirs{Run: "/t/" + uid}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := Find(lookup(tc.env)); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	for range 2 { // made, then found
		if err := Private(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Private(dir); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("open to others: got %v, want an error that says what to run", err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Private(file); err == nil {
		t.Error("a file was taken for a directory")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	if err := Private(link); err == nil {
		t.Error("a symbolic link was followed")
	}
}

func flagSet() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.Int("nodes", 3, "number of nodes")
	flags.String("data-dir", "", "where")
	flags.Bool("json", false, "JSON")
	Share(flags, "nodes", "data-dir")
	return flags
}

func TestApply(t *testing.T) {
	for _, tc := range []struct {
		name, args, file string
		env              map[string]string
		nodes, dataDir   string
		fails            string
	}{
		{name: "defaults", nodes: "3"},
		{name: "the file", file: "nodes: 5\ndata-dir: /f\n", nodes: "5", dataDir: "/f"},
		{name: "a long number", file: "data-dir: 123456789", nodes: "3", dataDir: "123456789"},
		{name: "the environment comes before the file", file: "nodes: 5", env: map[string]string{"KUBESTEP_NODES": "4"}, nodes: "4"},
		{name: "the command line comes first", args: "--nodes=1", file: "nodes: 5",
			env: map[string]string{"KUBESTEP_NODES": "4", "KUBESTEP_DATA_DIR": "/e"}, nodes: "1", dataDir: "/e"},
		{name: "a wrong value in the environment", env: map[string]string{"KUBESTEP_NODES": "many"}, fails: "KUBESTEP_NODES"},
		{name: "a wrong value in the file", file: "nodes: many", fails: "config.yaml: nodes"},
		{name: "an unknown name", file: "node: 3", fails: `no setting "node"; there are data-dir, nodes`},
		{name: "a flag that is not shared", file: "json: true", fails: `no setting "json"`},
		{name: "not one value", file: "nodes: [1, 2]", fails: "nodes must be one word"},
		{name: "not a mapping", file: "- nodes", fails: "name: value"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			if tc.file != "" {
				if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(tc.file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			flags := flagSet()
			if err := flags.Parse(strings.Fields(tc.args)); err != nil {
				t.Fatal(err)
			}
			file, err := ReadFile(dir)
			if err == nil {
				err = file.Check(flags)
			}
			if err == nil {
				err = file.Apply(flags, lookup(tc.env))
			}
			if tc.fails != "" {
				if err == nil || !strings.Contains(err.Error(), tc.fails) {
					t.Fatalf("got error %v, want one with %q", err, tc.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := flags.Lookup("nodes").Value.String(); got != tc.nodes {
				t.Errorf("nodes = %s, want %s", got, tc.nodes)
			}
			if got := flags.Lookup("data-dir").Value.String(); got != tc.dataDir {
				t.Errorf("data-dir = %s, want %s", got, tc.dataDir)
			}
		})
	}
}
