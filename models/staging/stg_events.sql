{{ config(enabled=has_events()) }}

{{ event_rows() }}
