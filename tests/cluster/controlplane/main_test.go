package main

import (
	"errors"
	"fmt"
	"reflect"
	"syscall"
	"testing"
)

func TestParseOptions(t *testing.T) {
	programs := []string{"--etcd", "e", "--kube-apiserver", "a", "--agent-sandbox-manifests", "m"}
	for name, test := range map[string]struct {
		more    []string
		command []string
		refused bool
	}{
		"foreground":                    {nil, nil, false},
		"a command keeps its options":   {[]string{"--exec", "make", "--kubelet", "--exec"}, []string{"make", "--kubelet", "--exec"}, false},
		"exec without a command":        {[]string{"--exec"}, nil, true},
		"a command without exec":        {[]string{"make"}, nil, true},
		"an option that is not there":   {[]string{"--bogus"}, nil, true},
		"etcd taken away by a later ''": {[]string{"--etcd", ""}, nil, true},
		"a release there is nothing of": {[]string{"--agent-sandbox", "v1alpha1"}, nil, true},
		"a release nobody made":         {[]string{"--agent-sandbox", "v2"}, nil, true},
		"no agent-sandbox":              {[]string{"--agent-sandbox", "none"}, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			o, err := parseOptions(append(programs[:len(programs):len(programs)], test.more...))
			if (err != nil) != test.refused {
				t.Fatalf("error %v, want refused = %t", err, test.refused)
			}
			if err == nil && !reflect.DeepEqual(o.command, test.command) {
				t.Errorf("command %q, want %q", o.command, test.command)
			}
		})
	}
}

func TestExitStatus(t *testing.T) {
	for _, test := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{commandStatus(7), 7},
		{fmt.Errorf("%w (waiting for etcd)", interrupted{syscall.SIGTERM}), 143},
		{errors.New("etcd ended"), 1},
	} {
		if got := exitStatus(test.err); got != test.want {
			t.Errorf("%v: status %d, want %d", test.err, got, test.want)
		}
	}
}
