package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// requestLimit bounds one request to the API server, its answer read.
	requestLimit = 10 * time.Second
	// answerBytesMax bounds an answer we read.
	answerBytesMax = 256 << 20
)

// object is a Kubernetes object as it travels.
type object = map[string]any

// api talks to one API server as one user.
type api struct {
	server string
	token  string
	http   *http.Client
}

// newAPI makes a client that trusts ca. user may be empty; the client is then anonymous unless it has a token.
func newAPI(server string, ca *authority, user identity) (*api, error) {
	config := &tls.Config{RootCAs: ca.pool()}
	if user.certificate != nil {
		certificate, err := user.tls()
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{certificate}
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	return &api{server: server, http: &http.Client{Transport: transport, Timeout: requestLimit}}, nil
}

// newPlainAPI makes a client of a server that has neither TLS nor users, as our etcd.
func newPlainAPI(server string) *api {
	return &api{server: server, http: &http.Client{Timeout: requestLimit}}
}

// refusal is an answer that is not 2xx.
type refusal struct {
	request string
	status  int
	message string
}

func (r refusal) Error() string { return fmt.Sprintf("%s: %d %s", r.request, r.status, r.message) }

// refusedWith says whether an error is a refusal with this status.
func refusedWith(err error, status int) bool {
	var refused refusal
	return errors.As(err, &refused) && refused.status == status
}

// get decodes the answer into answer; nil throws it away.
func (a *api) get(ctx context.Context, path string, answer any) error {
	return a.call(ctx, http.MethodGet, path, "application/json", nil, answer)
}

// post creates body, and decodes the answer into answer; nil throws it away.
func (a *api) post(ctx context.Context, path string, body, answer any) error {
	return a.call(ctx, http.MethodPost, path, "application/json", body, answer)
}

// put replaces what is at path.
func (a *api) put(ctx context.Context, path string, body any) error {
	return a.call(ctx, http.MethodPut, path, "application/json", body, nil)
}

func (a *api) delete(ctx context.Context, path string) error {
	return a.call(ctx, http.MethodDelete, path, "application/json", nil, nil)
}

// call sends body, if there is one, and decodes the answer into answer, if wanted. It fails with a refusal when the
// answer is not 2xx.
func (a *api) call(ctx context.Context, method, path, accept string, body, answer any) error {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.server+path, content)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", accept)
	request.Header.Set("Content-Type", "application/json")
	if a.token != "" {
		request.Header.Set("Authorization", "Bearer "+a.token)
	}
	response, err := a.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	received, err := io.ReadAll(io.LimitReader(response.Body, answerBytesMax))
	if err != nil {
		return err
	}
	if response.StatusCode/100 != 2 {
		return refusal{method + " " + path, response.StatusCode, statusMessage(received)}
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(received, answer)
}

// statusMessage is the message of a Status object, or the text itself.
func statusMessage(body []byte) string {
	var status struct{ Message string }
	if json.Unmarshal(body, &status) == nil && status.Message != "" {
		return status.Message
	}
	return string(body)
}

// boundToken asks for a service-account token that only this API server takes.
func (a *api) boundToken(ctx context.Context, namespace, account string, lifetime time.Duration) (string, error) {
	request := object{
		"apiVersion": "authentication.k8s.io/v1",
		"kind":       "TokenRequest",
		"spec":       object{"audiences": []string{tokenIssuer}, "expirationSeconds": int(lifetime.Seconds())},
	}
	var answer struct{ Status struct{ Token string } }
	path := "/api/v1/namespaces/" + namespace + "/serviceaccounts/" + account + "/token"
	err := a.post(ctx, path, request, &answer)
	return answer.Status.Token, err
}
