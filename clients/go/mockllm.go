// Package mockllm starts a mockllm server for a Go test and controls it.
//
//	func TestGreeting(t *testing.T) {
//		mock := mockllm.Start(t, mockllm.Options{})
//		mock.Reply("Hi.", mockllm.Rule{"match": mockllm.Rule{"user": "hello"}})
//		client := openai.NewClient(option.WithBaseURL(mock.OpenAIURL()), option.WithAPIKey("any"))
//		...
//		mock.Verify(mockllm.Rule{"user": "hello"}, 1)
//	}
//
// Each call of Start returns a separate session on one server for the test binary, so that parallel tests do not see
// each other's rules and requests. A failed test logs its requests.
package mockllm

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
)

// Rule is a rule, a match or a modifier with the keys of the scenario language.
type Rule = map[string]any

// Request is a request in the journal.
type Request struct {
	ID       int      `json:"id"`
	Method   string   `json:"method"`
	Path     string   `json:"path"`
	Provider string   `json:"provider"`
	Model    string   `json:"model"`
	Rule     string   `json:"rule"`
	Status   int      `json:"status"`
	Error    string   `json:"error"`
	Faults   []string `json:"faults"`
	Missed   bool     `json:"missed"`
	// Unsent: no byte of the response was sent; Status is the planned one then.
	Unsent     bool     `json:"unsent"`
	NearMisses []string `json:"near_misses"`
}

// Verdict is a statement about how a client behaved.
type Verdict struct {
	Name string `json:"verdict"`
	Good bool   `json:"good"`
	Says string `json:"says"`
}

// Mock is a session of a server: what it adds applies to the requests of its URLs only.
type Mock struct {
	t       testing.TB
	server  string
	session string
	names   int
	// climate has the names of the modifiers that the last climate added.
	climate []string
}

// Start returns a session for one test. The first call starts the server, with its options; it ends with the test binary.
// Inside `mockllm exec -- go test ./...` the session is one of that server.
func Start(t testing.TB, options Options) *Mock {
	t.Helper()
	server, err := shared(options)
	if err != nil {
		t.Fatalf("mockllm: %v", err)
	}
	id := make([]byte, 12)
	if _, err := rand.Read(id); err != nil {
		t.Fatalf("mockllm: %v", err)
	}
	mock := &Mock{t: t, server: server, session: hex.EncodeToString(id)}
	t.Cleanup(func() {
		if t.Failed() {
			if journal := mock.Journal(); journal == "" {
				t.Log("mockllm received no request")
			} else {
				t.Logf("requests to mockllm:\n%s", journal)
			}
		}
		mock.close()
	})
	return mock
}

// BaseURL is the base URL without a path; Anthropic's and Google's SDKs take it.
func (m *Mock) BaseURL() string { return m.server + "/s/" + m.session }

// OpenAIURL is the base URL of OpenAI's SDK.
func (m *Mock) OpenAIURL() string { return m.BaseURL() + "/v1" }

// Reply adds a rule with a reply: a text, or a map with text, thinking and tool_calls. The options are other keys of a
// rule: match, times, delay, pace, faults and so on. A later rule has priority.
func (m *Mock) Reply(reply any, options ...Rule) string {
	m.t.Helper()
	return m.add("reply", reply, options)
}

// Error adds a rule with an error: its name ("rate_limit"), or a map with type, status and retry_after.
func (m *Mock) Error(kind any, options ...Rule) string {
	m.t.Helper()
	return m.add("error", kind, options)
}

// Sequence adds a rule with steps in order: texts, or maps such as {"error": "overloaded", "times": 2}.
func (m *Mock) Sequence(steps []any, options ...Rule) string {
	m.t.Helper()
	return m.add("sequence", steps, options)
}

// Rule adds any rule, as in a file.
func (m *Mock) Rule(rule Rule) string {
	m.t.Helper()
	return m.add("rule", nil, []Rule{rule})
}

// Modifier adds a modifier of all responses: {"delay": "200ms"}.
func (m *Mock) Modifier(modifier Rule) {
	m.t.Helper()
	m.must("POST", "/api/rules"+m.query(), Rule{"modifiers": []Rule{m.named("modifier", modifier)}}, nil)
}

// Load adds the rules and modifiers of scenario files and folders, relative to the package's folder, above all others.
// The first file has priority.
func (m *Mock) Load(paths ...string) {
	m.t.Helper()
	files := []string{}
	for _, path := range paths {
		files = append(files, m.files(path)...)
	}
	for number := len(files) - 1; number >= 0; number-- {
		text, err := os.ReadFile(files[number])
		if err != nil {
			m.t.Fatalf("mockllm: %v", err)
		}
		if err := m.call("POST", "/api/rules"+m.query()+"&file=true", string(text), nil); err != nil {
			m.t.Fatalf("mockllm: %s: %v", files[number], err)
		}
	}
}

// Climate sets the weather of the pack weather from now on: calm, flaky, rate-limited, slow, storm, provider-outage.
func (m *Mock) Climate(name string) {
	m.t.Helper()
	var list struct {
		Climates []struct{ Name, YAML string }
	}
	m.must("GET", "/api/climates", nil, &list)
	names := []string{}
	for _, climate := range list.Climates {
		if climate.Name == name {
			m.setClimate(climate.YAML)
			return
		}
		names = append(names, climate.Name)
	}
	m.t.Fatalf("mockllm: no climate is named %q; there are %s", name, strings.Join(names, ", "))
}

func (m *Mock) setClimate(modifiers string) {
	m.t.Helper()
	for _, name := range m.climate {
		m.must("DELETE", "/api/rules/"+url.PathEscape(name)+m.query(), nil, nil)
	}
	var added struct{ Names []string }
	m.must("POST", "/api/rules"+m.query()+"&file=true", modifiers, &added)
	m.climate = added.Names
}

// Requests returns the newest 500 requests of the session, in their order.
func (m *Mock) Requests() []Request {
	m.t.Helper()
	var page struct{ Requests []Request }
	m.must("GET", "/api/requests?limit=500&session="+m.session, nil, &page)
	sort.Slice(page.Requests, func(i, j int) bool { return page.Requests[i].ID < page.Requests[j].ID })
	return page.Requests
}

// Verify fails the test unless exactly this number of requests matches. A negative number means at least one. Nil matches
// all requests.
func (m *Mock) Verify(match Rule, times int) {
	m.t.Helper()
	if match == nil {
		match = Rule{}
	}
	expectation := Rule{"match": match}
	if times >= 0 {
		expectation["exactly"] = times
	}
	var result struct {
		Passed   bool
		Failures []struct {
			Message string
			Nearest []struct {
				Path        string
				Differences []string
			}
		}
	}
	m.must("POST", "/api/verify", Rule{"expect": []Rule{expectation}, "session": m.session}, &result)
	if result.Passed {
		return
	}
	lines := []string{}
	for _, failure := range result.Failures {
		lines = append(lines, failure.Message)
		for _, near := range failure.Nearest {
			lines = append(lines, "  "+near.Path+"\n    "+strings.Join(near.Differences, "\n    "))
		}
	}
	m.t.Fatalf("mockllm: %s", strings.Join(lines, "\n"))
}

// Verdicts returns how the clients of the session behaved.
func (m *Mock) Verdicts() []Verdict {
	m.t.Helper()
	var list struct {
		Clients []struct{ Verdicts []Verdict }
	}
	m.must("GET", "/api/verdicts?session="+m.session, nil, &list)
	verdicts := []Verdict{}
	for _, client := range list.Clients {
		verdicts = append(verdicts, client.Verdicts...)
	}
	return verdicts
}

// Journal returns the requests as text, with the nearest rules below those that no rule matched.
func (m *Mock) Journal() string {
	lines := []string{}
	for _, each := range m.Requests() {
		rule := each.Rule
		if rule == "" {
			rule = "no rule"
		}
		lines = append(lines, fmt.Sprintf("%s %s %s → %s %d", each.Method, each.Path, each.Model, rule, each.Status))
		for _, near := range each.NearMisses {
			lines = append(lines, "  "+near)
		}
	}
	return strings.Join(lines, "\n")
}

func (m *Mock) query() string { return "?session=" + url.QueryEscape(m.session) }

func (m *Mock) close() {
	_ = m.call("DELETE", "/api/sessions/"+m.session, nil, nil) // the server knows no session without requests
	_ = m.call("DELETE", "/api/rules"+m.query(), nil, nil)
}

func (m *Mock) add(kind string, response any, options []Rule) string {
	m.t.Helper()
	rule := Rule{}
	for _, each := range options {
		for key, value := range each {
			rule[key] = value
		}
	}
	if response != nil {
		rule[kind] = response
	}
	named := m.named(kind, rule)
	m.must("POST", "/api/rules"+m.query(), Rule{"rules": []Rule{named}}, nil)
	return named["name"].(string)
}

func (m *Mock) named(kind string, rule Rule) Rule {
	m.names++
	named := Rule{"name": fmt.Sprintf("%s %d", kind, m.names)}
	for key, value := range rule {
		named[key] = value
	}
	return named
}

// files returns the files that the server would load: neither hidden ones nor those of packs below the folder.
func (m *Mock) files(path string) []string {
	m.t.Helper()
	files := []string{}
	err := filepath.Walk(path, func(file string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		hidden := file != path && strings.HasPrefix(info.Name(), ".")
		if info.IsDir() {
			if _, absent := os.Stat(filepath.Join(file, "pack.yaml")); hidden || file != path && absent == nil {
				return filepath.SkipDir
			}
			return nil
		}
		isYAML := strings.HasSuffix(file, ".yaml") || strings.HasSuffix(file, ".yml")
		if file == path || isYAML && !hidden {
			files = append(files, file)
		}
		return nil
	})
	if err != nil {
		m.t.Fatalf("mockllm: %v", err)
	}
	sort.Strings(files)
	return files
}

func (m *Mock) must(method, path string, body, result any) {
	m.t.Helper()
	if err := m.call(method, path, body, result); err != nil {
		m.t.Fatalf("mockllm: %v", err)
	}
}

// call sends a text as it is and anything else as JSON. The error of a refusal has the server's message.
func (m *Mock) call(method, path string, body, result any) error {
	payload, kind := []byte{}, "application/json"
	if text, ok := body.(string); ok {
		payload, kind = []byte(text), "application/yaml"
	} else if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return err
		}
		payload = encoded
	}
	request, err := http.NewRequest(method, m.server+path, bytes.NewReader(payload))
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("content-type", kind)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		var problem struct{ Detail string }
		if json.Unmarshal(text, &problem) == nil && problem.Detail != "" {
			return fmt.Errorf("%s", problem.Detail)
		}
		return fmt.Errorf("status %d: %.200s", response.StatusCode, text)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(text, result)
}
