/// Columns that the tables of scores have of their own: no output, decision or feature of a table may have such a name.
public enum ScoreColumns {
  /// Of the event, first in `scores` and `latest_scores`.
  public static let event = [
    "pipeline", "entity_id", "event_id", "event_time", "as_of", "topic", "partition", "offset",
  ]
  /// Of the models and the moment of scoring.
  public static let origin = ["model_versions", "definition", "scored_at"]
  /// A row's number in its batch, where rows are staged on their way into PostgreSQL.
  public static let staging = "seq"
  /// All of them, in lower case: letters' case does not tell columns apart.
  public static let reserved = Set(event + origin + [staging])
}
