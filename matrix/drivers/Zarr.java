// zarr-java. Started from its source, with the packages on the class path.

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.zarr.zarrjava.core.Array;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Arrays;
import ucar.ma2.DataType;

public class Zarr {
    private static final int SENTENCE = 600;

    public static void main(String[] words) throws Exception {
        ObjectMapper json = new ObjectMapper();
        PrintStream answers = System.out;
        // What a library prints must not get between the answers.
        System.setOut(System.err);
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            ObjectNode said = json.createObjectNode();
            try {
                answer(json, json.readTree(line), said, words);
            } catch (Exception | LinkageError error) {
                String text = error.getClass().getSimpleName() + ": " + error.getMessage();
                said.removeAll();
                said.put("refused", text.substring(0, Math.min(SENTENCE, text.length())));
            }
            answers.println(json.writeValueAsString(said));
            answers.flush();
        }
    }

    private static void answer(ObjectMapper json, JsonNode task, ObjectNode said, String[] words) throws Exception {
        String verb = task.get("verb").asText();
        if (verb.equals("hello")) {
            said.put("name", "zarr-java").put("version", words[0]);
        } else if (verb.equals("write")) {
            write(task);
        } else {
            Array array = opened(task);
            byte[] raw = raw(array.read());
            Files.write(Paths.get(task.get("into").asText()), raw);
        }
        said.put("done", true);
    }

    private static Array opened(JsonNode task) throws Exception {
        Path place = Paths.get(task.get("place").asText());
        return task.get("format").asText().equals("v3")
            ? dev.zarr.zarrjava.v3.Array.open(place)
            : dev.zarr.zarrjava.v2.Array.open(place);
    }

    /** Makes the array of the document as the library understands it, then writes the cells. */
    private static void write(JsonNode task) throws Exception {
        Path place = Paths.get(task.get("place").asText());
        String document = task.get("document").toString();
        Array array;
        if (task.get("format").asText().equals("v3")) {
            array = dev.zarr.zarrjava.v3.Array.create(
                place,
                dev.zarr.zarrjava.v3.Node.makeObjectMapper()
                    .readValue(document, dev.zarr.zarrjava.v3.ArrayMetadata.class));
        } else {
            array = dev.zarr.zarrjava.v2.Array.create(
                place,
                dev.zarr.zarrjava.v2.Node.makeObjectMapper()
                    .readValue(document, dev.zarr.zarrjava.v2.ArrayMetadata.class));
        }
        int[] shape = new int[task.get("shape").size()];
        for (int axis = 0; axis < shape.length; axis++) {
            shape[axis] = task.get("shape").get(axis).asInt();
        }
        byte[] raw = Files.readAllBytes(Paths.get(task.get("cells").asText()));
        DataType type = array.metadata().dataType().getMA2DataType();
        array.write(ucar.ma2.Array.factory(type, shape, cells(type, raw)));
    }

    /** Little-endian bytes as the primitive array that a type is kept in. */
    private static Object cells(DataType type, byte[] raw) {
        ByteBuffer buffer = ByteBuffer.wrap(raw).order(ByteOrder.LITTLE_ENDIAN);
        switch (type) {
            case BOOLEAN: {
                boolean[] found = new boolean[raw.length];
                for (int at = 0; at < raw.length; at++) {
                    found[at] = raw[at] != 0;
                }
                return found;
            }
            case BYTE:
                return raw;
            case SHORT: {
                short[] found = new short[raw.length / Short.BYTES];
                buffer.asShortBuffer().get(found);
                return found;
            }
            case INT: {
                int[] found = new int[raw.length / Integer.BYTES];
                buffer.asIntBuffer().get(found);
                return found;
            }
            case LONG: {
                long[] found = new long[raw.length / Long.BYTES];
                buffer.asLongBuffer().get(found);
                return found;
            }
            case FLOAT: {
                float[] found = new float[raw.length / Float.BYTES];
                buffer.asFloatBuffer().get(found);
                return found;
            }
            case DOUBLE: {
                double[] found = new double[raw.length / Double.BYTES];
                buffer.asDoubleBuffer().get(found);
                return found;
            }
            default:
                throw new IllegalArgumentException("no cells of type " + type + " here");
        }
    }

    /** Cells in C order as little-endian bytes. */
    private static byte[] raw(ucar.ma2.Array array) {
        Object cells = array.copyTo1DJavaArray();
        int count = java.lang.reflect.Array.getLength(cells);
        ByteBuffer buffer = ByteBuffer.allocate(count * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        for (int at = 0; at < count; at++) {
            if (cells instanceof boolean[]) {
                buffer.put((byte) (((boolean[]) cells)[at] ? 1 : 0));
            } else if (cells instanceof byte[]) {
                buffer.put(((byte[]) cells)[at]);
            } else if (cells instanceof short[]) {
                buffer.putShort(((short[]) cells)[at]);
            } else if (cells instanceof int[]) {
                buffer.putInt(((int[]) cells)[at]);
            } else if (cells instanceof long[]) {
                buffer.putLong(((long[]) cells)[at]);
            } else if (cells instanceof float[]) {
                buffer.putInt(Float.floatToRawIntBits(((float[]) cells)[at]));
            } else if (cells instanceof double[]) {
                buffer.putLong(Double.doubleToRawLongBits(((double[]) cells)[at]));
            } else {
                throw new IllegalArgumentException("no cells of " + cells.getClass() + " here");
            }
        }
        return Arrays.copyOf(buffer.array(), buffer.position());
    }
}
