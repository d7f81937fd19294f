package cli

// inWords is what a check says and how to mend it, in Vietnamese.
type inWords struct{ says, mend string }

// checksInVietnamese has every check of the proof; a test holds it to that.
func checksInVietnamese() map[string]inWords {
	return map[string]inWords{
		"C-LOST":         {"tên không còn trả lời", "đưa bản ghi trở lại, hoặc khai ngoại lệ kèm người chịu trách nhiệm và lý do"},
		"C-CHANGED":      {"câu trả lời đã khác", "trả lại dữ liệu cũ, hoặc ghi quyết định"},
		"C-TYPE-LOST":    {"mất một loại bản ghi của tên", "đưa các bản ghi loại ấy trở lại, hoặc khai ngoại lệ"},
		"C-WILD-LOST":    {"dấu * không còn trả lời", "đưa dấu * trở lại; viết rõ từng tên không thay được mọi tên mà nó trả lời"},
		"C-RCODE":        {"NXDOMAIN thành trả lời rỗng, hoặc ngược lại", "không cần gì nếu không ai dựa vào; nếu có, đưa tên trở lại hoặc bỏ thứ đã sinh ra nó"},
		"M-TOTAL":        {"một bản ghi của nguồn không có luật nào", "thêm luật, hoặc drop kèm lý do"},
		"M-COLLIDE":      {"hai bên cùng đòi một tên với dữ liệu khác nhau", "chọn một bên, giữ cả hai, hoặc chuyển một bên sang tên khác"},
		"M-HALF":         {"bên được chọn thiếu loại bản ghi mà bên kia có", "quyết định từng loại, hoặc chuyển bên kia sang tên khác"},
		"M-LEN":          {"tên mới dài quá 255 octet", "tên mới ngắn hơn"},
		"M-EXPIRE":       {"ngoại lệ đã hết hạn nên không còn hiệu lực", "gia hạn, hoặc bỏ dòng ấy"},
		"M-RULE":         {"quy tắc không chuyển tên nào, hoặc ngoại lệ không miễn cho điều gì", "bỏ dòng ấy, hoặc sửa tên và loại"},
		"M-RESERVED":     {"nhãn dành cho đơn vị khác", "ghi holder trong luật hay quyết định, hoặc chọn tên khác"},
		"M-CHILD":        {"một ủy quyền sang tên mới mà chưa ai quyết định", "quyết định, hoặc đưa vùng con vào làm nguồn"},
		"M-SIGNED":       {"vùng đã ký sẽ được phục vụ không chữ ký", "giữ máy ký, hoặc rút DS ở vùng cha và chờ hết TTL"},
		"M-ALIAS":        {"tên cũ là đích của MX hay NS mà thành bí danh (RFC 2181 10.3)", "để tên cũ đi theo bằng bản ghi của chính nó"},
		"M-PRIVATE":      {"địa chỉ riêng ở nơi internet hỏi tới", "chuyển sang view kia, hoặc ghi rõ là cố ý"},
		"M-TARGET-SEM":   {"tên trong dữ liệu đổi sang tên không cùng nghĩa", "trỏ tới tên cho cùng địa chỉ"},
		"N-ENT":          {"tên bên dưới tạo nút rỗng chặn dấu * (RFC 4592 2.2.2)", "viết bản ghi của dấu * tại tên ấy và tại dấu * bên dưới, hoặc cho tên mới chỗ khác"},
		"N-WILD-HOLE":    {"một tên đứng ở nơi dấu * từng trả lời (RFC 4592 2.2.1)", "viết các loại khác của dấu * tại tên ấy, hoặc quyết định"},
		"N-WILD-CAPTURE": {"dấu * trả lời cho tên vốn không có", "bỏ dấu *, hoặc quyết định"},
		"N-CUT":          {"một ủy quyền che mất điều từng được trả lời", "bỏ các NS, hoặc chuyển ủy quyền sang tên riêng"},
		"N-APEX":         {"NS của gốc vùng bị chép thành ủy quyền", "bỏ các NS ấy: chúng chỉ thuộc gốc vùng cũ"},
		"N-DNAME-OCC":    {"DNAME che hoặc chuyển hướng điều từng được trả lời bên dưới (RFC 6672 2.3)", "bỏ DNAME, hoặc đưa những gì nó che sang đích của nó"},
		"N-CHILD-ZONE":   {"một vùng được phục vụ mà trước là phần của vùng trên, hoặc vùng trên không ủy quyền", "chuyển bản ghi lên vùng trên, hoặc ủy quyền và đủ mọi bản ghi bị che"},
		"N-CNAME-OTHER":  {"CNAME đứng cạnh dữ liệu khác (RFC 1034 3.6.2)", "giữ một trong hai"},
		"N-WILD-NS":      {"NS hay DNAME tại dấu * (RFC 4592 4)", "ủy quyền từng tên"},
		"N-WILD-INNER":   {"dấu * không ở nhãn đầu thì không phải ký tự đại diện (RFC 4592 2.1.1)", "viết rõ từng tên"},
		"N-STAR-LIT":     {"dữ liệu trỏ tới dấu *: nó được hỏi đúng như chữ", "ghi tên máy thật"},
		"X-LOOP":         {"chuỗi bí danh đi vòng tròn", "trỏ một bí danh tới tên có dữ liệu"},
		"X-DNAME-GROW":   {"DNAME làm tên dài mãi", "đích không được nằm dưới chính nó"},
		"X-DANGLE":       {"chuỗi bí danh mới dẫn tới chỗ không có gì", "đưa đích của nó vào, hoặc bỏ bí danh"},
		"X-LEN":          {"chuỗi CNAME dài hơn mức máy phân giải chịu theo", "trỏ bí danh đầu thẳng tới cuối chuỗi"},
		"X-YX":           {"dưới DNAME, tên dài bị tràn (YXDOMAIN)", "không cần gì nếu không ai hỏi tên dài đến thế; nếu có, đích ngắn hơn"},
		"X-MX-CNAME":     {"máy nhận thư hay máy chủ tên là bí danh (RFC 2181 10.3)", "ghi tên máy ở cuối bí danh"},
		"X-TAKEOVER":     {"bản ghi trỏ vào vùng không còn phục vụ: ai lấy được tên miền ấy là chiếm được tên này", "trỏ chỗ khác, hoặc tiếp tục phục vụ vùng ấy"},
		"T-MIX":          {"máy phân giải giữ bản ghi của một bên và hỏi bên kia nhận câu trả lời gãy", "giữ đích cũ đến khi hết TTL, và thêm đích mới trước (ba bước)"},
		"D-LAME-RENAMED": {"ủy quyền sang tên mới: máy chủ của nó cũng phải phục vụ tên ấy", "báo đơn vị quản lý máy chủ; hỏi trực tiếp bằng --live"},
		"D-DS-RENAMED":   {"DS đi theo sang tên mới, nơi không khớp khóa nào", "bỏ DS; máy ký của vùng con tạo DS mới"},
		"D-CYCLE":        {"các ủy quyền cần địa chỉ của nhau, không có glue nào", "thêm glue, hoặc một máy chủ bên ngoài"},
		"D-SELF":         {"ủy quyền về chính máy chủ của vùng này, mà chúng không phục vụ vùng con", "phục vụ vùng con, hoặc ghi máy chủ của nó"},
		"D-GLUE":         {"ủy quyền mất địa chỉ của máy chủ nằm dưới nó", "thêm bản ghi A và AAAA"},
	}
}

// agreementInVietnamese has every check of names against addresses.
func agreementInVietnamese() map[string]inWords {
	return map[string]inWords{
		"A-TWICE":     {"hai đơn vị cùng giữ những địa chỉ này", "trả lại một bên (hopnhat ip release), hoặc ghi đúng đơn vị giữ (hopnhat ip assign)"},
		"A-UNPLANNED": {"địa chỉ không thuộc dải nào trong sổ", "cấp dải chứa các địa chỉ ấy, hoặc sửa bản ghi"},
		"A-OWNER":     {"tên của đơn vị này trỏ tới địa chỉ của đơn vị khác", "trỏ tên về địa chỉ của chính đơn vị, hoặc ghi lại đơn vị giữ dải"},
		"P-NS":        {"mọi máy chủ tên của vùng ở cùng một nơi, hoặc ở nơi không có điện dự phòng", "thêm máy chủ ở nơi khác có điện dự phòng"},
		"P-V6":        {"hệ thống của kế hoạch chưa có tên nào có AAAA", "cấp IPv6 cho máy chủ và thêm bản ghi AAAA"},
	}
}
