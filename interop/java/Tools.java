import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs a Kafka command line tool in this JVM as its shell script would, one at a time: the standard streams, exit and the
 * shutdown hooks are the tool's own while it runs.
 */
final class Tools {
    /** Ends the tool's main thread where it called exit; an Error, so that tools that catch Exception do not eat it. */
    private static final class Exited extends Error {
        private static final long serialVersionUID = 1;

        Exited(int code) {
            super("exit " + code, null, false, false);
        }
    }

    private Tools() {}

    static synchronized Map<String, Object> run(JsonNode request) throws Exception {
        String[] args = new String[request.get("args").size()];
        for (int i = 0; i < args.length; i++) {
            args[i] = request.get("args").get(i).asText();
        }
        Class<?> tool = Class.forName(request.get("class").asText());
        byte[] stdin = request.get("stdin").asText().getBytes(StandardCharsets.UTF_8);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        List<Runnable> hooks = new ArrayList<>();
        Map<String, Object> result = new HashMap<>();
        Exit.Procedure exit = (status, message) -> {
            finish(result, status, out, err);
            throw new Exited(status);
        };
        InputStream in = System.in;
        PrintStream oldOut = System.out;
        PrintStream oldErr = System.err;
        Exit.setExitProcedure(exit);
        Exit.setHaltProcedure(exit);
        Exit.setShutdownHookAdder((name, hook) -> hooks.add(hook));
        System.setIn(new ByteArrayInputStream(stdin));
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(err, true, StandardCharsets.UTF_8));
        try {
            tool.getMethod("main", String[].class).invoke(null, (Object) args);
        } catch (InvocationTargetException thrown) {
            if (!(thrown.getCause() instanceof Exited)) {
                thrown.getCause().printStackTrace();
                finish(result, 1, out, err);
            }
        } finally {
            hooks.forEach(Runnable::run);
            System.setIn(in);
            System.setOut(oldOut);
            System.setErr(oldErr);
            Exit.resetExitProcedure();
            Exit.resetHaltProcedure();
            Exit.resetShutdownHookAdder();
        }
        finish(result, 0, out, err);
        return result;
    }

    /** A real exit is final: what tools do after the first one (catch it, print it, exit again) does not count. */
    private static void finish(
            Map<String, Object> result, int code, ByteArrayOutputStream out, ByteArrayOutputStream err) {
        result.putIfAbsent("code", code);
        result.putIfAbsent("out", out.toString(StandardCharsets.UTF_8));
        result.putIfAbsent("err", err.toString(StandardCharsets.UTF_8));
    }
}
