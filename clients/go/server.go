package mockllm

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options says how the server is started.
type Options struct {
	// Scenarios are files and folders, relative to the package's folder.
	Scenarios []string
	// Packs by name, such as "default". Without packs and scenarios only the rules of the tests respond.
	Packs []string
	// Seed of random draws and ids.
	Seed int
	// Args are further arguments of `mockllm serve`.
	Args []string
	// Command of the server, if it is none of those that are tried: {"python", "-m", "mockllm"}.
	Command []string
}

const (
	distribution = "mockllm-scenarios"
	startTime    = time.Minute
)

// ways are the commands that are tried in this order.
var ways = [][]string{
	{"mockllm"},
	{"uvx", "--from", distribution, "mockllm"},
	{"pipx", "run", "--spec", distribution, "mockllm"},
}

var listening = regexp.MustCompile(`listening on (http://[^\s,]+)`)

var (
	mutex   sync.Mutex
	servers = map[string]string{}
)

// shared returns the URL of the server for these options, and starts it the first time.
func shared(options Options) (string, error) {
	if inside := os.Getenv("MOCKLLM_URL"); inside != "" {
		return strings.TrimSuffix(inside, "/"), nil
	}
	mutex.Lock()
	defer mutex.Unlock()
	key := fmt.Sprintf("%q", options)
	if server, ok := servers[key]; ok {
		return server, nil
	}
	server, err := start(options)
	if err == nil {
		servers[key] = server
	}
	return server, err
}

func findCommand(options Options) ([]string, error) {
	if len(options.Command) > 0 {
		return options.Command, nil
	}
	tried := []string{}
	for _, way := range ways {
		if _, err := exec.LookPath(way[0]); err == nil {
			return way, nil
		}
		tried = append(tried, way[0])
	}
	return nil, fmt.Errorf("none of %s is on the path; pip install %s", strings.Join(tried, ", "), distribution)
}

func start(options Options) (string, error) {
	command, err := findCommand(options)
	if err != nil {
		return "", err
	}
	args := append(command[1:len(command):len(command)],
		"serve", "--port", "0", "--host", "127.0.0.1", "--until-stdin-closes", "--no-default")
	for _, path := range options.Scenarios {
		args = append(args, "--scenarios", path)
	}
	if len(options.Packs) > 0 {
		args = append(args, "--pack", strings.Join(options.Packs, ","))
	}
	args = append(args, "--seed", strconv.Itoa(options.Seed))
	process := exec.Command(command[0], append(args, options.Args...)...)
	process.Env = append(os.Environ(), "MOCKLLM_SCENARIOS=", "MOCKLLM_PACK=") // the options alone choose what is served
	return ready(process)
}

// ready starts the process and waits until it listens. Its standard input is a pipe to this process: the server stops
// when the test binary ends, however that comes.
func ready(process *exec.Cmd) (string, error) {
	if _, err := process.StdinPipe(); err != nil {
		return "", err
	}
	output, err := process.StdoutPipe()
	if err != nil {
		return "", err
	}
	process.Stderr = process.Stdout
	if err := process.Start(); err != nil {
		return "", err
	}
	found, printed := make(chan string, 1), &strings.Builder{}
	go func() {
		lines := bufio.NewScanner(output)
		for lines.Scan() {
			fmt.Fprintln(printed, lines.Text())
			if match := listening.FindStringSubmatch(lines.Text()); match != nil {
				found <- strings.Replace(match[1], "localhost", "127.0.0.1", 1)
				_, _ = io.Copy(io.Discard, output)
				return
			}
		}
		close(found)
	}()
	select {
	case server, ok := <-found:
		if !ok {
			_ = process.Wait()
			return "", errors.New("the server did not start:\n" + printed.String())
		}
		return server, nil
	case <-time.After(startTime):
		_ = process.Process.Kill()
		return "", errors.New("the server was not ready in time:\n" + printed.String())
	}
}
