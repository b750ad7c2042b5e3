package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

const directoryPrefix = "openshell-cluster-"

// directory is everything a cluster has on disk. Its files' names are the README's table.
type directory struct {
	path string
	logs string
	// lock is held as long as this process lives; see sweepAbandoned.
	lock *os.File
}

// newDirectory makes a private temporary directory. logs may name a directory that outlives it.
func newDirectory(logs string) (*directory, error) {
	path, err := os.MkdirTemp("", directoryPrefix)
	if err != nil {
		return nil, err
	}
	d := &directory{path: path, logs: logs}
	if logs == "" {
		d.logs = d.file("logs")
	}
	d.lock, err = lockFile(d.file("lock"))
	err = errors.Join(err, os.MkdirAll(d.logs, 0o700))
	if err == nil {
		d.logs, err = filepath.Abs(d.logs)
	}
	if err == nil && logs != "" {
		// They are found here either way.
		err = os.Symlink(d.logs, d.file("logs"))
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return d, nil
}

// file is the path of a file in the directory.
func (d *directory) file(name string) string { return filepath.Join(d.path, name) }

// log is the path of a process's log.
func (d *directory) log(name string) string { return filepath.Join(d.logs, name+".log") }

// write makes or replaces a file at once, readable by its owner only: a reader sees the old content or the new.
func (d *directory) write(name string, content []byte) error {
	path := d.file(name)
	part := path + ".part"
	if err := os.WriteFile(part, content, 0o600); err != nil {
		return err
	}
	return os.Rename(part, path)
}

func (d *directory) remove() error {
	return errors.Join(os.RemoveAll(d.path), d.lock.Close())
}

// environment is what a driver needs to find the API server, as NAME=value.
func (d *directory) environment(port int) []string {
	return []string{
		"KUBERNETES_SERVICE_HOST=127.0.0.1",
		"KUBERNETES_SERVICE_PORT=" + strconv.Itoa(port),
		"OPENSHELL_KYMA_CLUSTER_DIR=" + d.path,
	}
}

// describe tells a person at a terminal how to use the cluster.
func (d *directory) describe(out io.Writer) {
	fmt.Fprintf(out, `
  by hand      export KUBECONFIG=%s
  as a driver  . %s    (then ca.crt, token and namespace are in $OPENSHELL_KYMA_CLUSTER_DIR)
  logs         %s

Ctrl-C stops the cluster and removes it.
`, d.file("admin.kubeconfig"), d.file("env"), d.logs)
}

// lockFile makes a file that only one process can lock. The lock goes with the process, however it ends.
func lockFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
	}
	return file, nil
}

// sweepAbandoned removes what clusters left that were killed too hard to tidy up: directories of ours that have a
// lock file which nobody holds.
func sweepAbandoned(parent string) {
	paths, err := filepath.Glob(filepath.Join(parent, directoryPrefix+"*"))
	if err != nil {
		return
	}
	for _, path := range paths {
		name := filepath.Join(path, "lock")
		if _, err := os.Stat(name); err != nil {
			continue
		}
		lock, err := lockFile(name)
		if err != nil {
			continue
		}
		if err := errors.Join(os.RemoveAll(path), lock.Close()); err != nil {
			fmt.Fprintf(os.Stderr, "up: an abandoned cluster's directory stays: %v\n", err)
		}
	}
}
