{{ config(enabled=has_campaigns(), post_hook='{{ insert_campaign_cells() }}') }}

{{ campaign_cells(campaign_blocks()[0]) }}
