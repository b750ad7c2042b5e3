package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// controlLimit bounds what one request to the control socket sets off.
const controlLimit = 2 * time.Minute

// serveControl lets tests, and people with curl, do to the cluster what happens to clusters. It speaks HTTP on the
// Unix socket `control`; one thing is done at a time, and answered with 204 when it has taken effect.
func (c *cluster) serveControl(ctx context.Context) error {
	listener, err := net.Listen("unix", c.directory.file("control"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: c.control(ctx), ReadHeaderTimeout: requestLimit}
	go func() { _ = server.Serve(listener) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return nil
}

func (c *cluster) control(ctx context.Context) http.Handler {
	routes := http.NewServeMux()
	var turn sync.Mutex
	handle := func(pattern string, act func(context.Context, *http.Request) error) {
		routes.HandleFunc("POST "+pattern, func(w http.ResponseWriter, r *http.Request) {
			turn.Lock()
			defer turn.Unlock()
			// Not the request's own context: what was begun is finished, whether or not somebody still listens.
			limited, cancel := context.WithTimeoutCause(ctx, controlLimit,
				fmt.Errorf("%s was not done after %s", r.URL.Path, controlLimit))
			defer cancel()
			if err := act(limited, r); err != nil {
				http.Error(w, err.Error(), http.StatusConflict)
				return
			}
			w.WriteHeader(http.StatusNoContent)
		})
	}
	process := func(verb string, act func(context.Context, string) error) {
		handle("/processes/{name}/"+verb, func(ctx context.Context, r *http.Request) error {
			return act(ctx, r.PathValue("name"))
		})
	}
	process("start", c.processes.again)
	process("stop", func(_ context.Context, name string) error { return c.processes.stop(name) })
	process("kill", func(_ context.Context, name string) error { return c.processes.kill(name) })
	process("freeze", func(_ context.Context, name string) error { return c.processes.signal(name, syscall.SIGSTOP) })
	process("thaw", func(_ context.Context, name string) error { return c.processes.signal(name, syscall.SIGCONT) })
	handle("/agent-sandbox/{version}", func(ctx context.Context, r *http.Request) error {
		return c.change(ctx, r.PathValue("version"))
	})
	handle("/etcd/compact", func(ctx context.Context, _ *http.Request) error { return c.compact(ctx) })
	handle("/etcd/save", func(ctx context.Context, _ *http.Request) error { return c.save(ctx) })
	handle("/etcd/restore", func(ctx context.Context, _ *http.Request) error { return c.restore(ctx) })
	handle("/tokens/renew", func(ctx context.Context, _ *http.Request) error { return c.writeTokens(ctx) })
	return routes
}
