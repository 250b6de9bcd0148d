package dev.mockllm;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A server of our own. It stops when this process ends, since its standard input closes then. */
final class ServerProcess {
    private static final String DISTRIBUTION = "mockllm-scenarios";
    /** The commands that are tried, in this order. */
    private static final List<List<String>> WAYS = List.of(
        List.of("mockllm"),
        List.of("uvx", "--from", DISTRIBUTION, "mockllm"),
        List.of("pipx", "run", "--spec", DISTRIBUTION, "mockllm"));
    private static final Pattern LISTENING = Pattern.compile("listening on (http://[^\\s,]+)");

    final String url;

    private ServerProcess(String url) {
        this.url = url;
    }

    static ServerProcess start(List<String> scenarios, List<String> packs, int seed) throws IOException {
        List<String> command = new ArrayList<>(findCommand());
        command.addAll(List.of("serve", "--port", "0", "--host", "127.0.0.1", "--until-stdin-closes", "--no-default"));
        command.addAll(List.of("--seed", String.valueOf(seed)));
        scenarios.forEach(path -> command.addAll(List.of("--scenarios", path)));
        if (!packs.isEmpty()) {
            command.addAll(List.of("--pack", String.join(",", packs)));
        }
        ProcessBuilder server = new ProcessBuilder(command).redirectErrorStream(true);
        server.environment().keySet().removeAll(List.of("MOCKLLM_SCENARIOS", "MOCKLLM_PACK")); // the settings choose
        return new ServerProcess(ready(server.start()));
    }

    private static List<String> findCommand() {
        for (List<String> way : WAYS) {
            for (String folder : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator)) {
                if (new File(folder, way.get(0)).canExecute() || new File(folder, way.get(0) + ".exe").canExecute()) {
                    return way;
                }
            }
        }
        throw new MockllmException("none of mockllm, uvx, pipx is on the path; pip install " + DISTRIBUTION);
    }

    private static String ready(Process process) throws IOException {
        var output = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
        StringBuilder printed = new StringBuilder();
        for (String line = output.readLine(); line != null; line = output.readLine()) {
            printed.append(line).append('\n');
            Matcher found = LISTENING.matcher(line);
            if (found.find()) {
                drain(output);
                return found.group(1).replace("localhost", "127.0.0.1");
            }
        }
        throw new MockllmException("the server did not start:\n" + printed);
    }

    /** Reads the access log, so that the server never waits for a full pipe. */
    private static void drain(BufferedReader output) {
        Thread reader = new Thread(() -> output.lines().forEach(line -> { }), "mockllm-output");
        reader.setDaemon(true);
        reader.start();
    }
}
