package dev.mockllm;

/** A call that the server refused, or that did not reach it. The message is the server's own. */
public final class MockllmException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    MockllmException(String message, Throwable cause) {
        super(message, cause);
    }

    MockllmException(String message) {
        this(message, null);
    }
}
