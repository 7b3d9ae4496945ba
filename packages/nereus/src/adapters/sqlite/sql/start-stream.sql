-- Parameters: tenant, kind, category, id, number (the position of its first message)
INSERT INTO nereus_streams (tenant, kind, category, id, number) VALUES (?, ?, ?, ?, ?)
