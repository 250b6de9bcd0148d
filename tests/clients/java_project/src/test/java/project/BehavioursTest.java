package project;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIServiceException;
import com.openai.models.chat.completions.ChatCompletionCreateParams;
import dev.mockllm.MockSession;
import dev.mockllm.MockllmException;
import dev.mockllm.MockllmExtension;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.extension.ExtendWith;

/** The table of behaviours of docs/go-and-java.md, with the official Java SDK. */
@ExtendWith(MockllmExtension.class)
class BehavioursTest {
    static String ask(MockSession mock, String content, int retries) {
        OpenAIClient client = OpenAIOkHttpClient.builder()
            .baseUrl(mock.openaiUrl()).apiKey("any").maxRetries(retries).build();
        var params = ChatCompletionCreateParams.builder().model("gpt-4o").addUserMessage(content).build();
        return client.chat().completions().create(params).choices().get(0).message().content().orElseThrow();
    }

    @Test
    void replyAnswersWhatItMatches(MockSession mock) {
        mock.reply("Hi.", Map.of("match", Map.of("user", "hello")));
        assertEquals("Hi.", ask(mock, "hello", 0));
        assertThrows(NotFoundException.class, () -> ask(mock, "else", 0));
        assertTrue(mock.requests().get(1).path("missed").asBoolean());
        assertTrue(mock.journal().contains("no rule 404"));
    }

    @Test
    void rateLimitIsRetried(MockSession mock) {
        mock.reply("At last.");
        mock.error("rate_limit", Map.of("times", 2));
        assertEquals("At last.", ask(mock, "x", 2));
        mock.verify(Map.of("model", "gpt-4o"), 3);
        var error = assertThrows(AssertionError.class, () -> mock.verify(Map.of("model", "gpt-4o-mini"), 1));
        assertTrue(error.getMessage().contains("model expected \"gpt-4o-mini\", found \"gpt-4o\""));
    }

    @Test
    void sequenceAnswersInOrder(MockSession mock) {
        mock.sequence(List.of(Map.of("error", "overloaded"), "Now."), Map.of());
        var error = assertThrows(OpenAIServiceException.class, () -> ask(mock, "x", 0));
        assertEquals(503, error.statusCode());
        assertEquals("Now.", ask(mock, "x", 0));
        assertFalse(mock.verdicts().isEmpty());
    }

    @Test
    void scenarioModifierAndClimate(MockSession mock) {
        mock.scenario("""
            rules:
              - match: {model: gpt-*}
                reply: From YAML.
            """);
        mock.modifier(Map.of("headers", Map.of("x-mine", "yes")));
        assertEquals("From YAML.", ask(mock, "x", 0));
        mock.climate("provider-outage");
        assertThrows(RuntimeException.class, () -> ask(mock, "x", 0));
    }

    @Test
    void climateReplacesTheLastOne(MockSession mock) {
        mock.scenario("""
            rules: [{name: f, reply: Hi.}]
            examples: [{request: {user: x}, expect: {rule: f}}]
            """);
        mock.climate("provider-outage");
        mock.climate("provider-outage");
        mock.climate("calm");
        assertEquals("Hi.", ask(mock, "x", 0));
        mock.verify(null, 1);
    }

    @Test
    void mistakeHasTheServersMessage(MockSession mock) {
        Map<String, ?> wrong = Map.of("match", Map.of("modle", "y"));
        var error = assertThrows(MockllmException.class, () -> mock.reply("x", wrong));
        assertEquals("rules[0].match.modle: unknown key; did you mean \"model\"?", error.getMessage());
    }

    @Test
    @EnabledIfEnvironmentVariable(named = "FAIL_ON_PURPOSE", matches = "1")
    void failsOnPurpose(MockSession mock) {
        ask(mock, "hello", 0);
    }
}
