-- Lets another agent enrol for computer $1.
SELECT amt.unbind_agent($1::uuid)::text
