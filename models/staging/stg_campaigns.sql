{{ config(enabled=has_campaigns()) }}

{{ campaign_members() }}
