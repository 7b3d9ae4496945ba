SELECT name, table_name, layout FROM nereus_collections
