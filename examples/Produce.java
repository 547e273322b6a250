// Sends one event of one person to Tally, as JSON. Java's default partitioner is murmur2, which the other examples set by hand.
//
//   javac -cp kafka-clients.jar Produce.java
//   java -cp kafka-clients.jar:slf4j-api.jar:. Produce localhost:9092 alice
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Properties;
import java.util.UUID;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

public class Produce {
  public static void main(String[] arguments) throws Exception {
    String brokers = arguments.length > 0 ? arguments[0] : "localhost:9092";
    String entity = arguments.length > 1 ? arguments[1] : "alice";
    Properties properties = new Properties();
    properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, brokers);
    properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class.getName());
    properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, StringSerializer.class.getName());
    properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, "true");
    long micros = ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now());
    String value = "{\"event_id\":\"" + UUID.randomUUID() + "\",\"entity_id\":\"" + entity + "\",\"event_time_us\":" + micros
        + ",\"source\":\"example\",\"schema_version\":1,\"engagement\":{\"type\":\"transaction\",\"attributes\":"
        + "{\"amount\":25.0,\"role\":\"seller\"}}}";
    try (KafkaProducer<String, String> producer = new KafkaProducer<>(properties)) {
      // The key is the entity id; no partition is given, so that murmur2 of the key chooses it.
      ProducerRecord<String, String> record = new ProducerRecord<>("events", entity, value);
      record.headers().add("content-type", "application/json".getBytes(StandardCharsets.UTF_8));
      System.out.println("sent to partition " + producer.send(record).get().partition());
    }
  }
}
