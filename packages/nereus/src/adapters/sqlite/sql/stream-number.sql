-- Parameters: tenant, kind, category, id
SELECT number FROM nereus_streams WHERE tenant = ? AND kind = ? AND category = ? AND id = ?
