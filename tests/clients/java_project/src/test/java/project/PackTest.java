package project;

import static org.junit.jupiter.api.Assertions.assertFalse;

import dev.mockllm.MockSession;
import dev.mockllm.MockllmExtension;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

class PackTest {
    @RegisterExtension
    static final MockllmExtension MOCKLLM = new MockllmExtension().packs("default").seed(3);

    @Test
    void packAnswersWithoutARule(MockSession mock) {
        assertFalse(BehavioursTest.ask(mock, "hello", 0).isEmpty());
    }
}
