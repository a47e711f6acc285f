-- Profile $1 leaves wired 802.1X as it is.
SELECT amt.profile_wired_8021x_remove($1::text)::text
