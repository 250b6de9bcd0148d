// The table of behaviours of docs/go-and-java.md, with the official Go SDK.
package project

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"mockllm.dev/mockllm"
)

func ask(mock *mockllm.Mock, content string, retries int) (string, error) {
	client := openai.NewClient(
		option.WithBaseURL(mock.OpenAIURL()), option.WithAPIKey("any"), option.WithMaxRetries(retries))
	response, err := client.Chat.Completions.New(context.Background(), openai.ChatCompletionNewParams{
		Model:    "gpt-4o",
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(content)},
	})
	if err != nil {
		return "", err
	}
	return response.Choices[0].Message.Content, nil
}

func expect(t *testing.T, mock *mockllm.Mock, content, want string) {
	t.Helper()
	if got, err := ask(mock, content, 0); err != nil || got != want {
		t.Fatalf("got %q, %v; want %q", got, err, want)
	}
}

func fails(t *testing.T, mock *mockllm.Mock, status string) {
	t.Helper()
	if _, err := ask(mock, "x", 0); err == nil || !strings.Contains(err.Error(), status) {
		t.Fatalf("got %v; want %s", err, status)
	}
}

func TestReply(t *testing.T) {
	t.Parallel()
	mock := mockllm.Start(t, mockllm.Options{})
	mock.Reply("Hi.", mockllm.Rule{"match": mockllm.Rule{"user": "hello"}})
	expect(t, mock, "hello", "Hi.")
	fails(t, mock, "404")
	requests := mock.Requests()
	if len(requests) != 2 || !requests[1].Missed || requests[0].Model != "gpt-4o" {
		t.Fatal(requests)
	}
}

func TestRateLimitIsRetried(t *testing.T) {
	t.Parallel()
	mock := mockllm.Start(t, mockllm.Options{})
	mock.Reply("At last.")
	mock.Error("rate_limit", mockllm.Rule{"times": 2})
	if got, err := ask(mock, "x", 2); err != nil || got != "At last." {
		t.Fatal(got, err)
	}
	mock.Verify(mockllm.Rule{"model": "gpt-4o"}, 3)
	mock.Verify(mockllm.Rule{"model": "gpt-4o"}, -1)
}

func TestSequence(t *testing.T) {
	t.Parallel()
	mock := mockllm.Start(t, mockllm.Options{})
	mock.Sequence([]any{mockllm.Rule{"error": "overloaded"}, "Now."})
	fails(t, mock, "503")
	expect(t, mock, "x", "Now.")
	if verdicts := mock.Verdicts(); len(verdicts) == 0 {
		t.Fatal("no verdict")
	}
}

func TestRuleModifierAndClimate(t *testing.T) {
	t.Parallel()
	mock := mockllm.Start(t, mockllm.Options{})
	mock.Rule(mockllm.Rule{"match": mockllm.Rule{"model": "gpt-*"}, "reply": "Rule."})
	mock.Modifier(mockllm.Rule{"headers": mockllm.Rule{"x-mine": "yes"}})
	expect(t, mock, "x", "Rule.")
	mock.Climate("provider-outage")
	if _, err := ask(mock, "x", 0); err == nil {
		t.Fatal("an outage responds")
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/loaded.yaml"
	if err := os.WriteFile(file, []byte("rules:\n  - reply: From a file.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	mock := mockllm.Start(t, mockllm.Options{})
	mock.Load(file)
	expect(t, mock, "x", "From a file.")
}

func TestLoadOfAFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	files := map[string]string{
		"a.yaml":         "rules: [{name: f, match: {user: x}, reply: From a.}]\nexamples: [{request: {user: x}, expect: {rule: f}}]\n",
		"b.yaml":         "rules: [{name: f, reply: From b.}]\n",
		"examples.yaml":  "examples: [{request: {user: x}, expect: {rule: f}}]\n",
		".hidden.yaml":   "nothing: known\n",
		"pack/pack.yaml": "name: pack\nversion: '1'\n",
	}
	if err := os.Mkdir(folder+"/pack", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(folder+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	mock := mockllm.Start(t, mockllm.Options{})
	mock.Load(folder)
	expect(t, mock, "x", "From a.")
	expect(t, mock, "y", "From b.")
	mock.Load(folder+"/b.yaml", folder+"/a.yaml")
	expect(t, mock, "x", "From b.")
}

func TestClimateReplacesTheLastOne(t *testing.T) {
	t.Parallel()
	mock := mockllm.Start(t, mockllm.Options{})
	mock.Reply("Hi.")
	mock.Climate("provider-outage")
	mock.Climate("provider-outage")
	mock.Climate("calm")
	expect(t, mock, "x", "Hi.")
	mock.Verify(nil, 1)
}

func TestPack(t *testing.T) {
	t.Parallel()
	mock := mockllm.Start(t, mockllm.Options{Packs: []string{"default"}, Seed: 3})
	if _, err := ask(mock, "x", 0); err != nil {
		t.Fatal(err)
	}
}

// TestMistake fails on purpose, where the variable requests it.
func TestMistake(t *testing.T) {
	if os.Getenv("FAIL_ON_PURPOSE") == "" {
		t.Skip("it fails on purpose")
	}
	mock := mockllm.Start(t, mockllm.Options{})
	_, _ = ask(mock, "x", 0)
	mock.Reply("x", mockllm.Rule{"match": mockllm.Rule{"modle": "y"}})
}
