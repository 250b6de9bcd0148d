package dev.mockllm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** The control API of a server, over HTTP. */
final class ControlApi {
    static final ObjectMapper JSON = new ObjectMapper();
    private final HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    final String url;

    ControlApi(String url) {
        this.url = url;
    }

    /** Sends a text as YAML and anything else as JSON, and returns the JSON of the response. Throws MockllmException. */
    JsonNode call(String method, String path, Object body) {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + path));
        try {
            if (body == null) {
                request.method(method, BodyPublishers.noBody());
            } else {
                boolean yaml = body instanceof String;
                request.header("content-type", yaml ? "application/yaml" : "application/json");
                request.method(method, BodyPublishers.ofString(yaml ? (String) body : JSON.writeValueAsString(body)));
            }
            var response = client.send(request.build(), BodyHandlers.ofString());
            if (response.statusCode() >= 300) {
                throw new MockllmException(refusal(response.statusCode(), response.body()));
            }
            return response.body().isEmpty() ? JSON.nullNode() : JSON.readTree(response.body());
        } catch (IOException error) {
            throw new MockllmException("no mockllm server responds at " + url + ": " + error.getMessage(), error);
        } catch (InterruptedException error) {
            Thread.currentThread().interrupt();
            throw new MockllmException("interrupted", error);
        }
    }

    private static String refusal(int status, String text) {
        try {
            JsonNode detail = JSON.readTree(text).path("detail");
            if (detail.isTextual()) {
                return detail.asText();
            }
        } catch (JsonProcessingException ignored) {
            // the text itself is the message
        }
        return "status " + status + ": " + text;
    }
}
