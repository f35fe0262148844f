package attach

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/kubestep/kubestep/engine"
)

// maxPath is what fits into sockaddr_un on every system that the lab runs on: 104 bytes with the final zero on macOS, 108
// on Linux.
const maxPath = 103

// listen makes the socket and returns it with the lock that says that its owner lives.
func listen(path string) (net.Listener, *lockFile, error) {
	if len(path) > maxPath {
		return nil, nil, fmt.Errorf("%w: the path of a socket has at most %d bytes, %s has %d; choose a shorter directory",
			engine.ErrUsage, maxPath, path, len(path))
	}
	if err := privateDir(filepath.Dir(path)); err != nil {
		return nil, nil, err
	}
	lock, err := takeLock(path)
	if err != nil {
		return nil, nil, err
	}
	// Whoever made a socket that is there is dead, as the lock was free.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, errors.Join(fmt.Errorf("removing the socket of a lab that was killed: %w", err), lock.release())
	}
	l, err := net.Listen("unix", path)
	if err == nil {
		if err = os.Chmod(path, 0o600); err == nil {
			return l, lock, nil
		}
		err = errors.Join(err, l.Close())
	}
	return nil, nil, errors.Join(fmt.Errorf("offering the lab to other terminals: %w", err), lock.release())
}

// privateDir makes dir with mode 0700, and refuses one that others can enter.
func privateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("making the socket's directory: %w", err)
	}
	info, err := os.Stat(dir)
	if err != nil {
		return fmt.Errorf("looking at the socket's directory: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("%w: others can enter the socket's directory %s (mode %04o); run: chmod 700 %s", engine.ErrUsage, dir,
			info.Mode().Perm(), dir)
	}
	return nil
}

// lockFile is a locked file beside a socket. The kernel drops the lock with the process, however that ends.
type lockFile struct{ *os.File }

// takeLock returns engine.ErrInUse when another process, or another server of this one, has the lock.
func takeLock(socket string) (*lockFile, error) {
	path := socket + ".lock"
	for {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, fmt.Errorf("locking the socket: %w", err)
		}
		if err := flock(f); err != nil {
			f.Close()
			if errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, fmt.Errorf("%s is %w", socket, engine.ErrInUse)
			}
			return nil, fmt.Errorf("locking the socket: %w", err)
		}
		// Its last owner may have removed the file after it was opened here: such a lock protects nothing.
		mine, err := f.Stat()
		if now, nowErr := os.Stat(path); err == nil && nowErr == nil && os.SameFile(mine, now) {
			return &lockFile{f}, nil
		}
		f.Close()
		if err != nil {
			return nil, fmt.Errorf("locking the socket: %w", err)
		}
	}
}

func flock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}

// release removes the file, while it is still locked, and lets go of it.
func (l *lockFile) release() error {
	err := os.Remove(l.Name())
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // the whole directory may be gone
	}
	return errors.Join(err, l.Close())
}
