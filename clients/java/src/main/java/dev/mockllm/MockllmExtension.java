package dev.mockllm;

import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;

/**
 * Passes each test a {@link MockSession} as a parameter, on one server for all tests with the same settings. A failed test
 * prints its requests.
 *
 * <pre>{@code
 * @ExtendWith(MockllmExtension.class)
 * class GreetingTest {
 *     @Test
 *     void greets(MockSession mock) {
 *         mock.reply("Hi.", Map.of("match", Map.of("user", "hello")));
 *         ...
 *         mock.verify(Map.of("user", "hello"), 1);
 *     }
 * }
 * }</pre>
 *
 * <p>Inside {@code mockllm exec -- mvn test} the sessions are those of that server.
 */
public final class MockllmExtension implements ParameterResolver, AfterEachCallback {
    private static final ExtensionContext.Namespace NAMESPACE =
        ExtensionContext.Namespace.create(MockllmExtension.class);
    private static final Map<List<Object>, String> SERVERS = new HashMap<>();

    private final List<String> scenarios = new ArrayList<>();
    private final List<String> packs = new ArrayList<>();
    private int seed;

    /** Serves scenario files and folders: {@code @RegisterExtension static MockllmExtension mockllm = …}. */
    public MockllmExtension scenarios(String... paths) {
        scenarios.addAll(List.of(paths));
        return this;
    }

    /** Serves packs by name, such as "default". */
    public MockllmExtension packs(String... names) {
        packs.addAll(List.of(names));
        return this;
    }

    /** Sets the seed of random draws and ids. */
    public MockllmExtension seed(int number) {
        seed = number;
        return this;
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == MockSession.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return context.getStore(NAMESPACE).getOrComputeIfAbsent(MockSession.class,
            key -> new MockSession(new ControlApi(server()), UUID.randomUUID().toString()), MockSession.class);
    }

    @Override
    public void afterEach(ExtensionContext context) {
        MockSession session = context.getStore(NAMESPACE).remove(MockSession.class, MockSession.class);
        if (session == null) {
            return;
        }
        if (context.getExecutionException().isPresent()) {
            System.err.println("requests to mockllm in " + context.getDisplayName() + ":\n" + session.journal());
        }
        session.close();
    }

    private String server() {
        String inside = System.getenv("MOCKLLM_URL");
        if (inside != null && !inside.isEmpty()) {
            return inside.replaceAll("/$", "");
        }
        synchronized (SERVERS) {
            return SERVERS.computeIfAbsent(List.of(scenarios, packs, seed), key -> {
                try {
                    return ServerProcess.start(scenarios, packs, seed).url;
                } catch (IOException error) {
                    throw new MockllmException("the server did not start: " + error.getMessage(), error);
                }
            });
        }
    }
}
