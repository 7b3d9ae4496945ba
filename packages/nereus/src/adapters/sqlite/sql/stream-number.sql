-- ?1 tenant, ?2 kind, ?3 category, ?4 id
SELECT number FROM nereus_streams WHERE tenant = ?1 AND kind = ?2 AND category = ?3 AND id = ?4
