package dev.mockllm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;

/** A session of a server for one test: what it adds applies to the requests of its URLs only. */
public final class MockSession {
    private final ControlApi api;
    private final String id;
    private int names;
    /** The names of the modifiers that the last climate added. */
    private final List<String> climateNames = new ArrayList<>();

    MockSession(ControlApi api, String id) {
        this.api = api;
        this.id = id;
    }

    /** The base URL without a path; Anthropic's and Google's SDKs take it. */
    public String baseUrl() {
        return api.url + "/s/" + id;
    }

    /** The base URL of OpenAI's SDK. */
    public String openaiUrl() {
        return baseUrl() + "/v1";
    }

    /** Adds a rule with a reply: a text, or a map with text, thinking and tool_calls. A later rule has priority. */
    public void reply(Object reply) {
        reply(reply, Map.of());
    }

    /** The same with other keys of a rule: match, times, delay, pace, faults and so on. */
    public void reply(Object reply, Map<String, ?> options) {
        add("reply", reply, options);
    }

    /** Adds a rule with an error: its name ("rate_limit"), or a map with type, status and retry_after. */
    public void error(Object error, Map<String, ?> options) {
        add("error", error, options);
    }

    /** Adds a rule with steps in order: texts, or maps such as Map.of("error", "overloaded"). */
    public void sequence(List<?> steps, Map<String, ?> options) {
        add("sequence", steps, options);
    }

    /** Adds the rules and modifiers of the text of a scenario file. */
    public void scenario(String yaml) {
        addFile(yaml);
    }

    /** Adds a modifier of all responses: Map.of("delay", "200ms"). */
    public void modifier(Map<String, ?> modifier) {
        api.call("POST", "/api/rules?session=" + id, Map.of("modifiers", List.of(named("modifier", modifier))));
    }

    /** Sets the weather of the pack weather from now on: calm, flaky, rate-limited, slow, storm, provider-outage. */
    public void climate(String name) {
        List<String> known = new ArrayList<>();
        for (JsonNode climate : api.call("GET", "/api/climates", null).path("climates")) {
            if (climate.path("name").asText().equals(name)) {
                setClimate(climate.path("yaml").asText());
                return;
            }
            known.add(climate.path("name").asText());
        }
        throw new MockllmException("no climate is named " + name + "; there are " + String.join(", ", known));
    }

    private void setClimate(String modifiers) {
        for (String name : climateNames) {
            String escaped = URLEncoder.encode(name, StandardCharsets.UTF_8).replace("+", "%20");
            api.call("DELETE", "/api/rules/" + escaped + "?session=" + id, null);
        }
        climateNames.clear();
        addFile(modifiers).path("names").forEach(name -> climateNames.add(name.asText()));
    }

    private JsonNode addFile(String yaml) {
        return api.call("POST", "/api/rules?file=true&session=" + id, yaml);
    }

    /** Returns the newest 500 requests of the session in their order, as the journal has them. */
    public List<JsonNode> requests() {
        JsonNode page = api.call("GET", "/api/requests?limit=500&session=" + id, null);
        List<JsonNode> found = StreamSupport.stream(page.path("requests").spliterator(), false)
            .collect(Collectors.toCollection(ArrayList::new));
        found.sort((one, other) -> Long.compare(one.path("id").asLong(), other.path("id").asLong()));
        return Collections.unmodifiableList(found);
    }

    /**
     * Throws an AssertionError, with the nearest other requests, unless exactly this number of requests matches. Null
     * matches all requests.
     */
    public void verify(Map<String, ?> match, int times) {
        ObjectNode body = ControlApi.JSON.createObjectNode().put("session", id);
        ObjectNode expectation = body.putArray("expect").addObject().put("exactly", times);
        expectation.set("match", ControlApi.JSON.valueToTree(match == null ? Map.of() : match));
        JsonNode result = api.call("POST", "/api/verify", body);
        if (!result.path("passed").asBoolean()) {
            throw new AssertionError(describe(result.path("failures")));
        }
    }

    /** Returns how the clients of the session behaved. */
    public List<JsonNode> verdicts() {
        List<JsonNode> verdicts = new ArrayList<>();
        for (JsonNode client : api.call("GET", "/api/verdicts?session=" + id, null).path("clients")) {
            client.path("verdicts").forEach(verdicts::add);
        }
        return verdicts;
    }

    /** Returns the requests as text, with the nearest rules below those that no rule matched. */
    public String journal() {
        StringBuilder text = new StringBuilder();
        for (JsonNode each : requests()) {
            String rule = each.path("rule").isNull() ? "no rule" : each.path("rule").asText();
            text.append(String.format("%s %s %s → %s %d%n", each.path("method").asText(), each.path("path").asText(),
                each.path("model").asText("-"), rule, each.path("status").asInt()));
            each.path("near_misses").forEach(near -> text.append("  ").append(near.asText()).append('\n'));
        }
        return text.toString();
    }

    void close() {
        try {
            api.call("DELETE", "/api/sessions/" + id, null);
        } catch (MockllmException ignored) {
            // no request came, so the server knows no such session
        }
        api.call("DELETE", "/api/rules?session=" + id, null);
    }

    private void add(String kind, Object response, Map<String, ?> options) {
        Map<String, Object> rule = named(kind, options);
        rule.put(kind, response);
        api.call("POST", "/api/rules?session=" + id, Map.of("rules", List.of(rule)));
    }

    private Map<String, Object> named(String kind, Map<String, ?> options) {
        names += 1;
        Map<String, Object> rule = new LinkedHashMap<>(Map.of("name", kind + " " + names));
        rule.putAll(options);
        return rule;
    }

    private static String describe(JsonNode failures) {
        StringBuilder text = new StringBuilder();
        for (JsonNode failure : failures) {
            text.append(failure.path("message").asText());
            for (JsonNode near : failure.path("nearest")) {
                text.append("\n  ").append(near.path("path").asText());
                near.path("differences").forEach(each -> text.append("\n    ").append(each.asText()));
            }
        }
        return text.toString();
    }
}
