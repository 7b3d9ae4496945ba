-- ?1 tenant, ?2 kind, ?3 category, ?4 id, ?5 number (the position of its first message)
INSERT INTO nereus_streams (tenant, kind, category, id, number) VALUES (?1, ?2, ?3, ?4, ?5)
