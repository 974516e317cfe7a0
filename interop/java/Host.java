import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.kafka.common.protocol.Errors;

/**
 * One JVM for all Java in the interop suite, because starting one takes longer than most tests.
 *
 * Each line of standard input is a request, a JSON object with "id" and "op"; each is answered by one line with the
 * same "id" and either "result" or "error" {code, name, message}. Operations that make a client answer a "handle";
 * requests that carry a handle run one after the other in that client's own thread, others run at once.
 * "tool" runs the main class of a Kafka command line tool (Tools), the rest are in Clients and Admins.
 */
public final class Host {
    static final ObjectMapper JSON = new ObjectMapper();

    /** A client, and the only thread that calls it: Kafka's consumer refuses to be shared. */
    record Handle(AutoCloseable client, ExecutorService thread) {}

    private final Map<String, Handle> handles = new ConcurrentHashMap<>();
    private final AtomicInteger handleCount = new AtomicInteger();
    private final ExecutorService pool = Executors.newCachedThreadPool();
    private final PrintStream answers;

    private Host(PrintStream answers) {
        this.answers = answers;
    }

    public static void main(String[] args) throws Exception {
        Host host = new Host(System.out);
        System.setOut(System.err);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonNode request = JSON.readTree(line);
            Handle handle = request.has("handle") ? host.handles.get(request.get("handle").asText()) : null;
            (handle == null ? host.pool : handle.thread).execute(() -> host.answer(request, handle));
        }
        Runtime.getRuntime().halt(0);
    }

    private void answer(JsonNode request, Handle handle) {
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("id", request.get("id").asInt());
        try {
            answer.put("result", run(request.get("op").asText(), request, handle));
        } catch (Throwable problem) {
            answer.put("error", describe(problem));
        }
        try {
            String line = JSON.writeValueAsString(answer);
            synchronized (answers) {
                answers.println(line);
                answers.flush();
            }
        } catch (Exception impossible) {
            impossible.printStackTrace();
        }
    }

    private Object run(String op, JsonNode request, Handle handle) throws Exception {
        if (handle == null) {
            return switch (op) {
                case "tool" -> Tools.run(request);
                case "producer" -> keep(Clients.producer(request));
                case "consumer" -> keep(Clients.consumer(request));
                case "admin" -> keep(Admins.admin(request));
                default -> throw new IllegalArgumentException("no handle for " + op);
            };
        }
        if (op.equals("close")) {
            handles.remove(request.get("handle").asText());
            Clients.close(handle.client, request);
            handle.thread.shutdown();
            return null;
        }
        return op.startsWith("admin.") ? Admins.run(op, request, handle.client) : Clients.run(op, request, handle.client);
    }

    private Map<String, String> keep(AutoCloseable client) {
        String name = "h" + handleCount.incrementAndGet();
        handles.put(name, new Handle(client, Executors.newSingleThreadExecutor()));
        return Map.of("handle", name);
    }

    /** An error as the Python side wants it: Kafka's code and name of the error, whatever wraps it. */
    static Map<String, Object> describe(Throwable problem) {
        Throwable cause = problem;
        while (cause instanceof ExecutionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("code", (int) Errors.forException(cause).code());
        error.put("name", cause.getClass().getSimpleName());
        error.put("message", String.valueOf(cause.getMessage()));
        return error;
    }
}
