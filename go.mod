module gialai.gov.vn/hopnhat

go 1.26
