-- What the agents of computers with profile $1 are told: provision $2 (NULL: on), enable AMT $3 (NULL: off), roots $4 (none:
-- those of the service points).
SELECT amt.profile_set_in_band($1::text, coalesce($2::text::boolean, true), coalesce($3::text::boolean, false),
                               nullif($4::text[], '{}'))::text
