package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
)

// ports are where a cluster listens on 127.0.0.1.
type ports struct{ etcd, etcdPeer, apiserver, webhook int }

// The range that ports are taken from. It ends below those that kernels hand out to outgoing connections, so that
// none of these takes a port between our looking and a program's listening.
const (
	portFirst = 20000
	portLast  = 31999
	// portTries bounds the search.
	portTries = 1000
)

// freePorts finds ports that nobody listens on. They are held until all are found, so that they differ.
func freePorts() (ports, error) {
	var p ports
	wanted := []*int{&p.etcd, &p.etcdPeer, &p.apiserver, &p.webhook}
	for range portTries {
		if len(wanted) == 0 {
			return p, nil
		}
		port := portFirst + rand.IntN(portLast-portFirst+1)
		listener, err := net.Listen("tcp4", address(port))
		if err != nil {
			continue
		}
		defer listener.Close()
		*wanted[0], wanted = port, wanted[1:]
	}
	return p, fmt.Errorf("no free ports on 127.0.0.1 between %d and %d", portFirst, portLast)
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

func secureURL(port int) string { return "https://" + address(port) }

func plainURL(port int) string { return "http://" + address(port) }
