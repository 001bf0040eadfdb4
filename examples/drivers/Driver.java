// A driver in Java 17, with the JDK's HTTP client alone: --es-upgrade-driver='java Driver.java'
// To make it yours, replace what is in `call`. The JDK knows no JSON: here as much is done by hand as is needed.
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.*;
import java.util.concurrent.*;
import java.util.regex.*;
import java.util.stream.*;

public class Driver {
    static final HttpClient HTTP = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    static final String STRING = "\"[^\"\\\\]*+(?:\\\\.[^\"\\\\]*+)*+\"";

    /** One call of the client: the rest of the answer line, from `"result"` or `"error"` on. */
    static String call(String asked) throws Exception {
        if (asked.matches(".*\"(instanceId|version|type|clientToken|dryRun)\":[\\[{].*"))
            throw new IllegalArgumentException("this client takes text, numbers and Booleans, no lists and objects");
        String query = Stream.of("clientToken", "dryRun").filter(name -> json(asked, name) != null)
                .map(name -> name + "=" + encoded(text(asked, name))).collect(Collectors.joining("&"));
        String body = Stream.of("version", "type").filter(name -> json(asked, name) != null)
                .map(name -> quoted(name) + ":" + json(asked, name)).collect(Collectors.joining(",", "{", "}"));
        URI uri = URI.create(text(asked, "url") + "/openapi/instances/" + encoded(text(asked, "instanceId"))
                + "/actions/upgrade-version" + (query.isEmpty() ? "" : "?" + query));
        HttpRequest request = HttpRequest.newBuilder(uri).header("Content-Type", "application/json")
                .timeout(Duration.ofMillis((long) (1000 * Double.parseDouble(text(asked, "timeout")))))
                .POST(HttpRequest.BodyPublishers.ofString(body)).build();
        HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        String told = answer.body();
        if (answer.statusCode() < 300 && told.strip().endsWith("}") && json(told, "Result") != null) {
            return "\"result\":" + quoted(told); // JSON as text, for the caller to read
        }
        String fields = Stream.of("Code", "Message", "RequestId").filter(name -> json(told, name) != null)
                .map(name -> "," + quoted(name.substring(0, 1).toLowerCase() + name.substring(1)) + ":" + json(told, name))
                .collect(Collectors.joining());
        String rest = fields.contains("\"message\"") ? fields : fields + ",\"message\":" + quoted(told);
        return "\"error\":{\"type\":\"HTTP\",\"httpStatus\":" + answer.statusCode() + rest + "}";
    }

    /** The value of the first member of that name, if it is a string, a number or a word; `[` or null for others. */
    static String json(String text, String name) {
        Matcher member = Pattern.compile(STRING + "(\\s*:\\s*(" + STRING + "|[\\w.+-]+|\\[))?").matcher(text);
        return member.results().filter(found -> found.group().startsWith(quoted(name)))
                .map(found -> found.group(2)).filter(Objects::nonNull).findFirst().orElse(null);
    }

    static String text(String json, String name) {
        String value = json(json, name);
        return !value.startsWith("\"") ? value : Pattern.compile("\\\\(?:u(....)|(.))")
                .matcher(value.substring(1, value.length() - 1)).replaceAll(escape -> Matcher.quoteReplacement("" + (
                        escape.group(1) != null ? (char) Integer.parseInt(escape.group(1), 16)
                        : "\b\f\n\r\t\"\\/".charAt("bfnrt\"\\/".indexOf(escape.group(2))))));
    }

    static String quoted(String text) {
        return '"' + text.chars().mapToObj(c -> c < 32 || c > 126 || c == '"' || c == '\\' ? String.format("\\u%04x", c)
                : "" + (char) c).collect(Collectors.joining()) + '"';
    }

    static String encoded(String text) { return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20"); }

    static String answer(String line) {
        try {
            return "{\"id\":" + json(line, "id") + "," + call(line) + "}";
        } catch (Throwable raised) {
            String told = "{\"type\":" + quoted(raised.getClass().getName()) + ",\"message\":" + quoted("" + raised) + "}";
            return "{\"id\":" + json(line, "id") + ",\"error\":" + told + "}";
        }
    }

    public static void main(String[] arguments) throws IOException {
        ExecutorService calls = Executors.newCachedThreadPool();
        new BufferedReader(new InputStreamReader(System.in)).lines().filter(line -> !line.isBlank())
                .forEach(line -> calls.execute(() -> System.out.println(answer(line))));
        System.exit(0); // the pool's threads would wait for more
    }
}
