-- Members who owe points, found without reading all accounts.
CREATE INDEX accounts_debt ON accounts (member_id) WHERE debt > 0;
